%{
#include <stdio.h>
int yylex(void); void yyerror(const char *s);
%}
%token NUMBER
%left '+' '-'
%left '*' '/'
%right '^' UMINUS
%%
lines: | lines expression '\n' { printf("%d\n", $2); } ;
expression: NUMBER | expression '+' expression { $$ = $1 + $3; } | expression '-' expression { $$ = $1 - $3; }
  | expression '*' expression { $$ = $1 * $3; } | expression '/' expression { $$ = $1 / $3; }
  | expression '^' expression { $$ = $1 ^ $3; } | '-' expression %prec UMINUS { $$ = -$2; } | '(' expression ')' { $$ = $2; } ;
%%
