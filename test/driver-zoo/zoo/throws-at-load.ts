// Its module throws.
throw new Error('no native library for this machine');
