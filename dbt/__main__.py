"""`python -m dbt`: the same as the command `dbt`."""

from dbt.cli import main

if __name__ == "__main__":
    main()
