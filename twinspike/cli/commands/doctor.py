"""`doctor`: what is installed."""

from twinspike.cli.app import command


@command("doctor")
def doctor() -> int:
    """Show which tools and versions are in use and what is missing."""
    from twinspike.cli.doctor import doctor as run

    return run()
