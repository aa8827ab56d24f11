# Thirty targets with shells, functions and pattern rules; writes nothing.
numbers := $(shell seq 1 $(COUNT))
square = $(shell expr $(1) \* $(1))
all: $(addprefix item-,$(numbers)) summary
item-%:
	@printf '%s %s\n' $* $$(( $* * 3 ))
summary: $(addprefix item-,$(numbers))
	@echo $(foreach n,$(wordlist 1,10,$(numbers)),$(call square,$(n))) | tr ' ' '\n' | sort -n | tail -3
	@echo $(words $^) $(patsubst item-%,%,$(lastword $^))
.PHONY: all summary
