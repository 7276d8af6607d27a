"""Whether a training is fit to begin: what ``composer train --check`` looks at."""
