"""Building blocks of networks: losses."""
