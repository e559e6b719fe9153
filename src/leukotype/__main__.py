"""`python -m leukotype`."""

from leukotype.cli import main

if __name__ == "__main__":
    main()
