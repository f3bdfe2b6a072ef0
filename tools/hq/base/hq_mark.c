#include "hq/base/hq_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/num.h"
#include "base/text.h"
#include "store/vault.h"

#define HQ_MARK_SLOT_BYTES 512 /* what every disk writes whole, or not at all */
#define HQ_MARK_CHECK_BYTES 8
#define HQ_MARK_TEXT_SIZE 80 /* title, turn, generation */
#define HQ_MARK_TITLE "laneway-hq turn "
#define HQ_MARK_PATH_SIZE 300

struct hq_mark {
	int fd;
	int slot; /* of the newest one */
	bool known;
	uint64_t turn;
	char generation[HQ_MARK_GENERATION_SIZE];
	struct vault_work *work;
	char path[HQ_MARK_PATH_SIZE];
};

static void check_of(struct hq_mark *m, const char *text,
                     char out[TEXT_HEX_SIZE(HQ_MARK_CHECK_BYTES)])
{
	uint8_t hash[VAULT_HASH_BYTES];

	vault_sha256(m->work, text, strlen(text), hash);
	text_hex(hash, HQ_MARK_CHECK_BYTES, out);
}

/* What is checked: all in front of the check. */
static void text_of(uint64_t turn, const char *generation, char out[HQ_MARK_TEXT_SIZE])
{
	snprintf(out, HQ_MARK_TEXT_SIZE, HQ_MARK_TITLE "%" PRIu64 " %s", turn, generation);
}

/* "laneway-hq turn 123 <generation> <check>\n", the rest of the slot spaces. */
static void read_slot(struct hq_mark *m, int slot)
{
	char raw[HQ_MARK_SLOT_BYTES + 1] = "", text[HQ_MARK_TEXT_SIZE];
	char check[TEXT_HEX_SIZE(HQ_MARK_CHECK_BYTES)], said[TEXT_HEX_SIZE(HQ_MARK_CHECK_BYTES)];
	char number[24], generation[HQ_MARK_GENERATION_SIZE];
	uint64_t turn;

	if (pread(m->fd, raw, HQ_MARK_SLOT_BYTES, (off_t)slot * HQ_MARK_SLOT_BYTES) < 0 ||
	    sscanf(raw, HQ_MARK_TITLE "%23[0-9] %16[0-9a-f] %16[0-9a-f]\n", number, generation,
	           said) != 3 ||
	    !num_u64(number, 0, INT64_MAX, &turn))
		return;
	text_of(turn, generation, text);
	check_of(m, text, check);
	if (strcmp(check, said) != 0 || (m->known && turn <= m->turn))
		return;
	m->known = true;
	m->turn = turn;
	memcpy(m->generation, generation, sizeof m->generation);
	m->slot = slot;
}

/* The name in the folder has to be as durable as what stands in the file. */
static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc;
}

int hq_mark_open(struct hq_mark **out, const char *dir, char *err, size_t err_size)
{
	struct hq_mark *m = memory_zeroed(1, sizeof *m);

	snprintf(err, err_size, "out of memory");
	if (!m)
		return -1;
	m->fd = -1;
	m->work = vault_work_new();
	if (!m->work)
		goto err_close;
	if ((size_t)snprintf(m->path, sizeof m->path, "%s/hq.mark", dir) >= sizeof m->path) {
		snprintf(err, err_size, "data: the path is too long");
		goto err_close;
	}
	m->fd = open(m->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->fd < 0 || sync_folder(dir) != 0) {
		snprintf(err, err_size, "%s: %s", m->path, strerror(errno));
		goto err_close;
	}
	read_slot(m, 0);
	read_slot(m, 1);
	*out = m;
	return 0;
err_close:
	hq_mark_close(m);
	return -1;
}

void hq_mark_close(struct hq_mark *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	vault_work_free(m->work);
	free(m);
}

bool hq_mark_known(const struct hq_mark *m)
{
	return m->known;
}

uint64_t hq_mark_turn(const struct hq_mark *m)
{
	return m->turn;
}

const char *hq_mark_generation(const struct hq_mark *m)
{
	return m->generation;
}

int hq_mark_write(struct hq_mark *m, uint64_t turn, const char *generation)
{
	char raw[HQ_MARK_SLOT_BYTES], text[HQ_MARK_TEXT_SIZE];
	char check[TEXT_HEX_SIZE(HQ_MARK_CHECK_BYTES)];
	int slot = m->known ? 1 - m->slot : 0, n;

	if (m->known && turn == m->turn && strcmp(generation, m->generation) == 0)
		return 0;
	text_of(turn, generation, text);
	check_of(m, text, check);
	memset(raw, ' ', sizeof raw);
	n = snprintf(raw, sizeof raw, "%s %s", text, check);
	raw[n] = '\n';
	if (pwrite(m->fd, raw, sizeof raw, (off_t)slot * HQ_MARK_SLOT_BYTES) != sizeof raw ||
	    fdatasync(m->fd) != 0) {
		log_error("%s: %s; nothing is confirmed until it can be written", m->path,
		          strerror(errno));
		return -1;
	}
	m->known = true;
	m->turn = turn;
	text_copy(m->generation, sizeof m->generation, generation);
	m->slot = slot;
	return 0;
}
