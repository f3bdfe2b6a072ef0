#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/sealed.h"

static const uint8_t key[VAULT_KEY_BYTES] = {7}, epoch[EVENT_EPOCH_BYTES] = {1, 2};
static const char plain[] = "{\"value\":\"2600000000170\"}";

/* The texts of plain, sealed for seq 5 of store s1. */
static void make(struct vault_work *w, char n[32], char c[200])
{
	const struct sealed_at at = {"s1", epoch, 5};
	uint8_t seal[sizeof plain + VAULT_SEAL_OVERHEAD];

	assert_int_equal(sealed_make(w, key, &at, plain, sizeof plain, seal), 0);
	text_b64(seal, VAULT_NONCE_BYTES, n);
	text_b64(seal + VAULT_NONCE_BYTES, sizeof seal - VAULT_NONCE_BYTES, c);
}

static void what_was_sealed_opens_in_its_own_place_and_in_no_other(void **state)
{
	static const uint8_t other_epoch[EVENT_EPOCH_BYTES] = {1, 3},
	                     other_key[VAULT_KEY_BYTES] = {8};
	const struct {
		struct sealed_at at;
		const uint8_t *key;
		int rc;
	} cases[] = {{{"s1", epoch, 5}, key, 0},
	             {{"s2", epoch, 5}, key, -1},
	             {{"s1", other_epoch, 5}, key, -1},
	             {{"s1", epoch, 6}, key, -1},
	             {{"s1", epoch, 5}, other_key, -1}};
	struct vault_work *w = vault_work_new();
	struct buf out = {0};
	char n[32], c[200];

	(void)state;
	make(w, n, c);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&out);
		buf_str(&out, "before ");
		assert_int_equal(sealed_text(w, cases[i].key, &cases[i].at, n, c, &out),
		                 cases[i].rc);
		assert_int_equal(out.len, cases[i].rc ? 7 : 7 + sizeof plain);
	}
	buf_reset(&out);
	assert_int_equal(sealed_text(w, key, &cases[0].at, n, c, &out), 0);
	assert_string_equal((char *)out.data, plain);
	buf_free(&out);
	vault_work_free(w);
}

static void texts_that_are_no_seal_are_refused(void **state)
{
	const struct sealed_at at = {"s1", epoch, 5};
	struct vault_work *w = vault_work_new();
	struct buf out = {0};
	char n[32], c[200];
	uint8_t bytes[300];

	(void)state;
	make(w, n, c);
	const char *bad[][2] = {
	    {NULL, c},  {n, NULL}, {"", c}, {n, ""}, {n, "AAAA"}, {c, n}, {n, "not base64url!"},
	    {"AAAA", c}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(sealed_text(w, key, &at, bad[i][0], bad[i][1], &out), -1);
	assert_int_equal(out.len, 0);
	assert_int_equal(sealed_bytes(n, c, bytes, sizeof plain + VAULT_SEAL_OVERHEAD),
	                 sizeof plain + VAULT_SEAL_OVERHEAD);
	assert_int_equal(sealed_bytes(n, c, bytes, sizeof plain + VAULT_SEAL_OVERHEAD - 1), -1);
	assert_int_equal(sealed_bytes(n, c, bytes, 5), -1);
	buf_free(&out);
	vault_work_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_sealed_opens_in_its_own_place_and_in_no_other),
	    cmocka_unit_test(texts_that_are_no_seal_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
