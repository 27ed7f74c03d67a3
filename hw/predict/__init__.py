"""What a core will take, before it is built: clocks, memory blocks and logic cells."""
