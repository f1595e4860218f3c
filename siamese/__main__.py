"""`python -m siamese …`: the command line."""

INTERRUPTED = 130  # exit code after Ctrl-C, as shells have it


def main() -> None:
    """Run a command; Ctrl-C ends it quietly also while it is imported, which takes a second."""
    try:
        from siamese.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
