# Two-way pipes, command pipes both ways, system() and its statuses.
BEGIN {
    for (round = 0; round < 3; round++) {
        sorter = "sort -n"
        for (i = 50; i > 0; i--) print (i * 7919) % 101 |& sorter
        close(sorter, "to")
        while ((sorter |& getline line) > 0) text = text line ","
        print close(sorter), text
        text = ""
    }
    while (("echo a b c; echo d" | getline) > 0) print NF, $1
    close("echo a b c; echo d")
    print "piped", "into cat" | "cat"
    close("cat")
    print system("exit 5"), system("kill -9 $$")
    "date -u -d @0 +%s" | getline epoch
    print epoch
}
