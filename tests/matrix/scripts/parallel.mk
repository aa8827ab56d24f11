# Three jobs at a time with a jobserver that the make below shares, and a target that fails.
numbers := $(shell seq 1 $(COUNT))
all: $(addprefix item-,$(numbers)) below failing
item-%:
	@n=0; for i in 1 2 3 4; do n=$$((n + i * $*)); done; echo "item $* $$n" > /dev/null
below: $(addprefix item-,$(numbers))
	@$(MAKE) -s -f $(firstword $(MAKEFILE_LIST)) nested COUNT=$(COUNT)
nested: nested-1 nested-2 nested-3
	@echo nested done
nested-%:
	@seq $* 5 | wc -l > /dev/null
failing: below
	-@exit 3
	@echo after the failure
.PHONY: all below nested failing
