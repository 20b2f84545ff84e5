"""`python -m es_hybrid`: the command, where its script is not on the path."""

from es_hybrid.cli import main

if __name__ == "__main__":
    main(prog_name="es-hybrid")
