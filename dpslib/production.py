import sys

from dpslib import system

sys.modules[__name__] = system
