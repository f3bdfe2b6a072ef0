#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "folder.h"
#include "store/vault.h"

/* The expected bytes below were computed by another program (Python's cryptography) from WIRE.md.
 */
#define BOX_PRIV_PEM                                                                               \
	"-----BEGIN PRIVATE KEY-----\n"                                                            \
	"MC4CAQAwBQYDK2VuBCIEIERERERERERERERERERERERERERERERERERERERERERE\n"                       \
	"-----END PRIVATE KEY-----\n"
#define BOX_PUB_PEM                                                                                \
	"-----BEGIN PUBLIC KEY-----\n"                                                             \
	"MCowBQYDK2VuAyEA/y7kVgHsG2cxDHeQQEWFrmlzMe7hwfjPJBlzHB//Pms=\n"                           \
	"-----END PUBLIC KEY-----\n"
#define SIGN_PUB_PEM                                                                               \
	"-----BEGIN PUBLIC KEY-----\n"                                                             \
	"MCowBQYDK2VwAyEAyFOtDwzSthmuqSzuxP1Wok1kmdWEznklfkXP2BObYKc=\n"                           \
	"-----END PUBLIC KEY-----\n"
#define BOX_PUB_HEX "ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6b"
#define SIGN_PUB_HEX "c853ad0f0cd2b619aea92ceec4fd56a24d6499d584ce79257e45cfd8139b60a7"
#define DEVICE_KEY_HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BOX_HEX                                                                                    \
	"0134a31a0d016fad9b38ab664bd86f77d7e66bdd9ae0792913a94fd8b33a1260027e4b46c1f4884c672222"   \
	"2222222222222222222248d1452cb924ea1d699eeae58cdfc4fc15042e04e214906b0d41cd94"

struct folder {
	char dir[FOLDER_SIZE];
	struct vault_work *w;
};

static void put(const struct folder *f, const char *name, const char *text, mode_t mode)
{
	folder_put(f->dir, name, text, mode);
}

static void drop(const struct folder *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	unlink(path);
}

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	folder_make(f->dir, "vault");
	put(f, "vault.key", DEVICE_KEY_HEX "\n", 0600);
	put(f, "device-box.key", BOX_PRIV_PEM, 0600);
	put(f, "tls.key", "-", 0600);
	put(f, "tls.crt", "-", 0644);
	put(f, "ca.crt", "-", 0644);
	put(f, "hq-box.pub", BOX_PUB_PEM, 0644);
	put(f, "hq-sign.pub", SIGN_PUB_PEM, 0644);
	f->w = vault_work_new();
	assert_non_null(f->w);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *f = *state;

	folder_drop(f->dir);
	vault_work_free(f->w);
	free(f);
	return 0;
}

static struct vault *opened(const struct folder *f)
{
	struct vault *v = NULL;
	char err[256] = "";

	if (vault_open(&v, f->dir, false, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	return v;
}

static void refused(const struct folder *f, const char *word, const char *word2)
{
	struct vault *v = NULL;
	char err[256] = "";

	assert_int_equal(vault_open(&v, f->dir, false, err, sizeof(err)), -1);
	if (strstr(err, word) == NULL || strstr(err, word2) == NULL)
		fail_msg("\"%s\" does not name %s and %s", err, word, word2);
}

static void is_hex(const void *bytes, size_t n, const char *hex)
{
	char text[256];

	text_hex(bytes, n, text);
	assert_string_equal(text, hex);
}

static void keys_are_derived_as_the_wire_document_says(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	const uint8_t epoch[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	uint8_t key[VAULT_KEY_BYTES], blind[VAULT_BLIND_BYTES], body[16];

	vault_epoch_key(v, f->w, epoch, key);
	is_hex(key, 32, "a054caed395b2226d44844408412701ba3e25b5991812f109e4576a1b7bf589b");
	vault_blind(v, f->w, "loyalty", "2600000000170", blind);
	is_hex(blind, 16, "7d5f38bf9ecf3bac77260533309924a8");
	vault_body_hash(v, f->w, "{\"type\":\"hello\"}", 16, body);
	is_hex(body, 16, "4505a391fa153387f53877e2a99a6e1a");
	vault_free(v);
}

static void a_wrapped_key_made_elsewhere_opens_here(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t id[16], wrapped[VAULT_WRAP_BYTES], key[VAULT_KEY_BYTES], expected[VAULT_KEY_BYTES];

	memset(id, 0x11, sizeof(id));
	memset(expected, 0x33, sizeof(expected));
	assert_true(
	    text_unhex("222222222222222222222222d2f4b865dc129db15b059a4f0782b8b49caf8ce1ac6349b9"
	               "9759fe658b7df6753082634b38fa68dd337cb240b32be293",
	               wrapped, sizeof(wrapped)));
	assert_int_equal(vault_unwrap(v, f->w, "visit-key", id, wrapped, key), 0);
	assert_memory_equal(key, expected, sizeof(key));
	assert_int_equal(vault_unwrap(v, f->w, "profile-key", id, wrapped, key), -1);
	id[0] ^= 1;
	assert_int_equal(vault_unwrap(v, f->w, "visit-key", id, wrapped, key), -1);
	vault_free(v);
}

static void a_wrapped_key_comes_back(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t id[16] = {1}, key[VAULT_KEY_BYTES] = {2}, wrapped[VAULT_WRAP_BYTES],
	        back[VAULT_KEY_BYTES];

	assert_int_equal(vault_wrap(v, f->w, "profile-key", id, key, wrapped), 0);
	assert_int_equal(vault_unwrap(v, f->w, "profile-key", id, wrapped, back), 0);
	assert_memory_equal(key, back, sizeof(key));
	vault_free(v);
}

static void the_chain_is_as_the_wire_document_says(void **state)
{
	struct folder *f = *state;
	uint8_t h[32] = {0}, leaf[32];
	const uint8_t epoch[8] = {0, 1, 2, 3, 4, 5, 6, 7};

	memset(leaf, 0x66, sizeof(leaf));
	vault_chain(f->w, h, epoch, 258, leaf);
	is_hex(h, 32, "a5dc38c18d862a9df42d9f904b6325bb920b8ecfca1f8f32c582823d624f962c");
}

static void sha256_is_right_when_the_context_is_used_again(void **state)
{
	struct folder *f = *state;
	uint8_t out[32];

	for (int i = 0; i < 3; i++) {
		vault_sha256(f->w, "abc", 3, out);
		is_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
		vault_sha256(f->w, "", 0, out);
		is_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	}
}

static void a_seal_opens_only_whole_and_in_its_place(void **state)
{
	struct folder *f = *state;
	uint8_t key[VAULT_KEY_BYTES] = {7}, seal[64], out[64];
	const size_t n = 11 + VAULT_SEAL_OVERHEAD;

	assert_int_equal(vault_seal(f->w, key, "place", 5, "hello there", 11, seal), 0);
	assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, n, out), 11);
	assert_memory_equal(out, "hello there", 11);
	assert_int_equal(vault_unseal(f->w, key, "other", 5, seal, n, out), -1);
	assert_int_equal(vault_unseal(f->w, key, NULL, 0, seal, n, out), -1);
	assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, n - 1, out), -1);
	assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, 5, out), -1);
	for (size_t i = 0; i < n; i++) {
		seal[i] ^= 0x10;
		assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, n, out), -1);
		seal[i] ^= 0x10;
	}
	assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, n, out), 11);
	key[31] ^= 1;
	assert_int_equal(vault_unseal(f->w, key, "place", 5, seal, n, out), -1);
}

static void nothing_can_be_sealed_and_two_seals_never_look_alike(void **state)
{
	struct folder *f = *state;
	uint8_t key[VAULT_KEY_BYTES] = {7}, a[VAULT_SEAL_OVERHEAD], b[VAULT_SEAL_OVERHEAD], out[1];

	assert_int_equal(vault_seal(f->w, key, NULL, 0, NULL, 0, a), 0);
	assert_int_equal(vault_seal(f->w, key, NULL, 0, NULL, 0, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(vault_unseal(f->w, key, NULL, 0, a, sizeof(a), out), 0);
	assert_int_equal(vault_unseal(f->w, key, NULL, 0, b, sizeof(b), out), 0);
}

static void a_box_made_elsewhere_opens_here(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t box[12 + VAULT_BOX_OVERHEAD], out[12];

	assert_true(text_unhex(BOX_HEX, box, sizeof(box)));
	assert_int_equal(
	    vault_unbox(f->w, vault_device_box_priv(v), "page", "s1\0d1", 5, box, sizeof(box), out),
	    12);
	assert_memory_equal(out, "three lines\n", 12);
	vault_free(v);
}

static void a_box_opens_only_for_its_reader_purpose_and_place(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t box[5 + VAULT_BOX_OVERHEAD], out[5], other[32] = {9};
	const uint8_t *priv = vault_device_box_priv(v);

	assert_int_equal(
	    vault_box(f->w, vault_hq_box_pub(v), "visit-keys", "s1", 2, "hello", 5, box), 0);
	assert_int_equal(vault_unbox(f->w, priv, "visit-keys", "s1", 2, box, sizeof(box), out), 5);
	assert_memory_equal(out, "hello", 5);
	assert_int_equal(vault_unbox(f->w, priv, "page", "s1", 2, box, sizeof(box), out), -1);
	assert_int_equal(vault_unbox(f->w, priv, "visit-keys", "s2", 2, box, sizeof(box), out), -1);
	assert_int_equal(vault_unbox(f->w, other, "visit-keys", "s1", 2, box, sizeof(box), out),
	                 -1);
	for (size_t n = 0; n < sizeof(box); n++)
		assert_int_equal(vault_unbox(f->w, priv, "visit-keys", "s1", 2, box, n, out), -1);
	for (size_t i = 0; i < sizeof(box); i++) {
		box[i] ^= 0x80;
		assert_int_equal(
		    vault_unbox(f->w, priv, "visit-keys", "s1", 2, box, sizeof(box), out), -1);
		box[i] ^= 0x80;
	}
	vault_free(v);
}

static void a_box_to_a_worthless_public_key_is_not_made(void **state)
{
	struct folder *f = *state;
	uint8_t zero[32] = {0}, box[5 + VAULT_BOX_OVERHEAD];

	assert_int_equal(vault_box(f->w, zero, "page", NULL, 0, "hello", 5, box), -1);
}

static void a_signature_holds_only_for_its_text_and_key(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t priv[32], sig[VAULT_SIGNATURE_BYTES];

	memset(priv, 0x77, sizeof(priv));
	assert_int_equal(vault_sign(priv, "laneway", 7, sig), 0);
	is_hex(sig, sizeof(sig),
	       "2ac968ac9805b2ab0f89d9e3b5e4d161df2112430b9e89427f516f1f2d699112"
	       "383464b3a578a0a8640f56d92c2a52d54f670a384b1483aec29c625d04388b0f");
	assert_true(vault_verify(vault_hq_sign_pub(v), "laneway", 7, sig));
	assert_false(vault_verify(vault_hq_sign_pub(v), "laneways", 8, sig));
	assert_false(vault_verify(vault_hq_box_pub(v), "laneway", 7, sig));
	sig[63] ^= 1;
	assert_false(vault_verify(vault_hq_sign_pub(v), "laneway", 7, sig));
	vault_free(v);
}

static void pem_files_give_the_raw_keys(void **state)
{
	struct folder *f = *state;
	struct vault *v = opened(f);
	uint8_t expected[32];

	is_hex(vault_hq_box_pub(v), 32, BOX_PUB_HEX);
	is_hex(vault_hq_sign_pub(v), 32, SIGN_PUB_HEX);
	memset(expected, 0x44, sizeof(expected));
	assert_memory_equal(vault_device_box_priv(v), expected, 32);
	vault_free(v);
}

static void a_missing_device_key_is_made_once_and_only_when_allowed(void **state)
{
	struct folder *f = *state;
	const uint8_t epoch[8] = {1};
	struct vault *v = NULL;
	struct stat st;
	char err[256], path[128];
	uint8_t a[32], b[32];

	drop(f, "vault.key");
	refused(f, "vault.key", "missing");
	put(f, "vault.key.new", "left by a power cut", 0600);
	assert_int_equal(vault_open(&v, f->dir, true, err, sizeof(err)), 0);
	vault_epoch_key(v, f->w, epoch, a);
	vault_free(v);
	snprintf(path, sizeof(path), "%s/vault.key", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	assert_int_equal(vault_open(&v, f->dir, true, err, sizeof(err)), 0);
	vault_epoch_key(v, f->w, epoch, b);
	vault_free(v);
	assert_memory_equal(a, b, sizeof(a));
}

static void a_private_key_that_others_may_read_is_refused_with_the_remedy(void **state)
{
	struct folder *f = *state;

	put(f, "device-box.key", BOX_PRIV_PEM, 0640);
	refused(f, "device-box.key", "chmod 600");
	put(f, "device-box.key", BOX_PRIV_PEM, 0400);
	put(f, "vault.key", DEVICE_KEY_HEX "\n", 0604);
	refused(f, "vault.key", "chmod 600");
}

static void a_file_that_is_wrong_or_missing_is_named(void **state)
{
	struct folder *f = *state;

	put(f, "vault.key", DEVICE_KEY_HEX "00\n", 0600);
	refused(f, "vault.key", "64 hex digits");
	put(f, "vault.key", "zz", 0600);
	refused(f, "vault.key", "64 hex digits");
	put(f, "vault.key", DEVICE_KEY_HEX, 0600);
	vault_free(opened(f));
	put(f, "hq-sign.pub", BOX_PUB_PEM, 0644);
	refused(f, "hq-sign.pub", "Ed25519");
	put(f, "hq-sign.pub", "", 0644);
	refused(f, "hq-sign.pub", "Ed25519");
	drop(f, "hq-sign.pub");
	refused(f, "hq-sign.pub", "No such file");
	put(f, "hq-sign.pub", SIGN_PUB_PEM, 0644);
	drop(f, "tls.crt");
	refused(f, "tls.crt", "laneway-hq ca device");
}

static void a_tls_context_names_the_file_that_is_wrong(void **state)
{
	struct folder *f = *state;
	char err[256];

	assert_null(vault_tls_client(f->dir, "tls.key", "tls.crt", "localhost", err, sizeof(err)));
	assert_non_null(strstr(err, "ca.crt"));
	drop(f, "ca.crt");
	assert_null(vault_tls_client(f->dir, "tls.key", "tls.crt", "localhost", err, sizeof(err)));
	assert_non_null(strstr(err, "No such file"));
	vault_tls_free(NULL);
}

static void random_bytes_differ_and_are_wiped_to_zeros(void **state)
{
	uint8_t a[32], b[32];

	(void)state;
	vault_random(a, sizeof(a));
	vault_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	vault_wipe(a, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_memory_equal(a, b, sizeof(a));
	vault_free(NULL);
	vault_work_free(NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_are_derived_as_the_wire_document_says),
	    TEST(a_wrapped_key_made_elsewhere_opens_here),
	    TEST(a_wrapped_key_comes_back),
	    TEST(the_chain_is_as_the_wire_document_says),
	    TEST(sha256_is_right_when_the_context_is_used_again),
	    TEST(a_seal_opens_only_whole_and_in_its_place),
	    TEST(nothing_can_be_sealed_and_two_seals_never_look_alike),
	    TEST(a_box_made_elsewhere_opens_here),
	    TEST(a_box_opens_only_for_its_reader_purpose_and_place),
	    TEST(a_box_to_a_worthless_public_key_is_not_made),
	    TEST(a_signature_holds_only_for_its_text_and_key),
	    TEST(pem_files_give_the_raw_keys),
	    TEST(a_missing_device_key_is_made_once_and_only_when_allowed),
	    TEST(a_private_key_that_others_may_read_is_refused_with_the_remedy),
	    TEST(a_file_that_is_wrong_or_missing_is_named),
	    TEST(a_tls_context_names_the_file_that_is_wrong),
	    TEST(random_bytes_differ_and_are_wiped_to_zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
