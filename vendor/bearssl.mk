# Builds BearSSL as a static library. Called by the Makefile as a make of its own, because the list
# of sources is only known once they are there.
#
#	make -f vendor/bearssl.mk SRC=build/vendor/bearssl-src OUT=DIR \
#	    CC=... AR=... SPEED=... SIZE=... CFLAGS=...
#
# makes $(OUT)/libbearssl.a.

AR ?= ar

# No entropy and no clock of its own: seeds come from getrandom(2), time from the caller. RDRAND
# returns constants on some processors after a resume.
DEFINES := -DBR_RDRAND=0 -DBR_USE_URANDOM=0 -DBR_USE_WIN32_RAND=0 -DBR_USE_UNIX_TIME=0 \
	-DBR_USE_WIN32_TIME=0

# A connection's way, handshake and records, is compiled for speed: -Os takes 3% more instructions
# to the first answer. The rest, which is for processors without instructions for AES or starts
# things up, is compiled for size: 4.5 KiB less.
FAST := hash/ghash_pclmul hash/multihash hash/sha2big codec/% mac/% rand/% \
	ssl/prf ssl/ssl_hs_client ssl/ssl_engine ssl/ssl_rec_% \
	symcipher/aes_x86ni% symcipher/chacha20_sse2 symcipher/poly1305_ctmul

# Not compiled, since nothing calls it: arithmetic for processors of 16 bits, AES and DES from
# tables, POWER8, making RSA keys, OAEP, servers of one suite. Who calls it nevertheless hears of it
# from the linker.
SKIPPED := $(addprefix ec/,%_m15 %_i15 ec_prime_i15 ecdsa_i15% ecdsa_default%) int/i15% \
	$(addprefix rsa/,rsa_default_keygen rsa_i15% rsa_i31_keygen% rsa_i32% rsa_i62_keygen) \
	$(addprefix rsa/,rsa_oaep% %_oaep_encrypt %_oaep_decrypt) \
	$(addprefix symcipher/,aes_big% aes_small% aes_pwr8% des_tab% poly1305_i15) \
	hash/ghash_pwr8 ssl/ssl_server_min%

SRCS := $(sort $(wildcard $(SRC)/src/*.c $(SRC)/src/*/*.c))
NAMES := $(filter-out $(SKIPPED),$(SRCS:$(SRC)/src/%.c=%))
OBJS := $(NAMES:%=$(OUT)/%.o)
DIRS := $(sort $(dir $(OBJS)))

$(OUT)/libbearssl.a: $(OBJS)
	@rm -f $@
	@$(AR) -rcsD $@ $^

$(OUT)/%.o: $(SRC)/src/%.c | $(DIRS)
	@$(CC) -w $(if $(filter $(FAST),$*),$(SPEED),$(SIZE)) $(CFLAGS) -ffunction-sections \
		-fdata-sections $(DEFINES) -I$(SRC)/src -I$(SRC)/inc -c -o $@ $<

$(DIRS):
	@mkdir -p $@
