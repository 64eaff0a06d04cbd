# Builds BearSSL as a static library. Called by the Makefile as a make of its own, because the list of sources is only
# known once they are there.
#
#	make -f vendor/bearssl.mk SRC=build/vendor/bearssl-src OUT=DIR CC=... CFLAGS=...	-> $(OUT)/libbearssl.a

# No entropy and no clock of its own: seeds come from getrandom(2), time from the caller. RDRAND returns constants on
# some processors after a resume.
DEFINES := -DBR_RDRAND=0 -DBR_USE_URANDOM=0 -DBR_USE_WIN32_RAND=0 -DBR_USE_UNIX_TIME=0 -DBR_USE_WIN32_TIME=0

# For size, but for speed where a handshake or a record spends its time.
HOT := int/% ec/ec_p256_m31 ec/ec_c25519_m31 ec/ec_prime_i31 hash/sha2small hash/sha2big hash/ghash_pclmul \
	hash/ghash_ctmul64 symcipher/aes_x86ni% symcipher/aes_ct64% symcipher/chacha20% symcipher/poly1305_ctmul%

NAMES := $(patsubst $(SRC)/src/%.c,%,$(sort $(wildcard $(SRC)/src/*.c $(SRC)/src/*/*.c)))
OBJS := $(NAMES:%=$(OUT)/%.o)
DIRS := $(sort $(dir $(OBJS)))

$(OUT)/libbearssl.a: $(OBJS)
	@rm -f $@
	@ar -rcsD $@ $^

$(filter $(HOT:%=$(OUT)/%.o),$(OBJS)): OPTIMIZE := -O2

$(OUT)/%.o: $(SRC)/src/%.c | $(DIRS)
	@$(CC) -w -Os $(CFLAGS) $(OPTIMIZE) -ffunction-sections -fdata-sections $(DEFINES) -I$(SRC)/src -I$(SRC)/inc -c -o $@ $<

$(DIRS):
	@mkdir -p $@
