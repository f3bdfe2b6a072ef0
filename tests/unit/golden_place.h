/* The golden files, their keys and what reads them. */
#ifndef LANEWAY_TESTS_GOLDEN_PLACE_H
#define LANEWAY_TESTS_GOLDEN_PLACE_H

#include "journal_place.h"

#include "base/log.h"
#include "base/text.h"
#include "store/dictionary.h"
#include "store/shard.h"
#include "sync/batch.h"
#include "sync/confirm.h"
#include "sync/uplink.h"

#define GOLDEN "tests/data/golden"
#define FILE_MAX 65536
#define PROFILE                                                                                    \
	"{\"customer_id\":\"C000017\",\"first_name\":\"Anna\",\"identifiers\":[{\"kind\":"         \
	"\"loyalty\",\"ref\":\"AAECAwQFBgcICQoLDA0ODw\",\"value\":\"2600000000170\",\"verified\":" \
	"true}],\"language\":\"de\",\"name\":\"Anna Berg\",\"points\":1200,\"points_as_of\":"      \
	"\"2026-11-20T00:00:00.000Z\",\"state\":\"active\",\"tier\":\"gold\",\"version\":812,"     \
	"\"visits\":7}\n"
#define TOMBSTONE "{\"customer_id\":\"C000018\",\"deleted\":true,\"version\":813}\n"
#define TELL                                                                                       \
	"{\"v\":1,\"device\":\"d1\",\"id\":\"00112233445566ff\",\"tell\":\"changes\","             \
	"\"generation\":\"0123456789abcdef\",\"since\":811,\"to\":813,\"more\":false,"             \
	"\"fresh\":false}"

struct fixture {
	struct place *place;
	struct batch_codec *codec;
	struct vault_work *work;
	uint8_t hq_box[32], hq_sign[32];
	uint8_t file[FILE_MAX];
	size_t file_len;
};

static void sh(const char *fmt, const char *a, const char *b)
{
	char command[1024];
	snprintf(command, sizeof(command), fmt, a, b);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static void read_private(struct fixture *f, const char *name, uint8_t out[32])
{
	char path[160], err[200] = "";
	snprintf(path, sizeof(path), "%s/%s", f->place->dir, name);
	if (vault_read_private(path, out, err, sizeof(err)))
		fail_msg("%s", err);
}

/* A place that has the golden keys. */
static struct fixture *fixture_new(const char *keys)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char err[200] = "";
	f->place = place_new();
	sh("cp %s/*.key %s/", keys, f->place->dir);
	sh("cp %s/*.pub %s/", keys, f->place->dir);
	sh("chmod 600 %s/*.key%s", f->place->dir, "");
	vault_free(f->place->vault);
	if (vault_open(&f->place->vault, f->place->dir, false, err, sizeof(err)))
		fail_msg("%s", err);
	f->place->params.vault = f->place->vault;
	read_private(f, "hq-box.key", f->hq_box);
	read_private(f, "hq-sign.key", f->hq_sign);
	f->codec = batch_codec_new();
	f->work = vault_work_new();
	return f;
}

static void fixture_free(struct fixture *f)
{
	place_free(f->place);
	batch_codec_free(f->codec);
	vault_work_free(f->work);
	free(f);
}

static void load(struct fixture *f, const char *name)
{
	char path[160];
	snprintf(path, sizeof(path), GOLDEN "/%s", name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s: run from the top folder", path);
	f->file_len = fread(f->file, 1, FILE_MAX, file);
	fclose(file);
}

static void read_form(struct fixture *f, const char *store, const char *name, struct batch *b)
{
	char err[200] = "";
	load(f, name);
	if (batch_decode(f->codec, f->file, f->file_len, store, f->hq_box, b, err, sizeof(err)))
		fail_msg("%s: %s", name, err);
	assert_int_equal(batch_verify(f->work, b, NULL), 0);
}

#endif
