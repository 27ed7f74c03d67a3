"""The public API, used as `import twinspike as ts`: networks, their training, their cores and reports."""
