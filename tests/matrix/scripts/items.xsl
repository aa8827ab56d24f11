<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text"/>
  <xsl:key name="kind" match="item" use="@kind"/>
  <xsl:template match="/list">
    <xsl:for-each select="item[generate-id() = generate-id(key('kind', @kind)[1])]">
      <xsl:sort select="@kind"/>
      <xsl:value-of select="concat(@kind, ' ', count(key('kind', @kind)), ' ', sum(key('kind', @kind)/weight), '&#10;')"/>
    </xsl:for-each>
  </xsl:template>
</xsl:stylesheet>
