/* Chance that is the same from the same seed, for all who ask in this process. Each thread has its
 * own, that follows from its parent's: which of two threads asks first changes nothing. */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method has no heir that is as short */
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base.h"
#include "base_memory.h"

static _Thread_local uint64_t chance;

void base_random_seed(uint64_t seed)
{
	chance = seed;
}

void base_random(void *out, size_t n)
{
	uint8_t *p = out;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(dice(&chance) >> 24);
}

struct beginning {
	void *(*run)(void *arg);
	void *arg;
	uint64_t chance;
};

static void *begin(void *arg)
{
	struct beginning b = *(struct beginning *)arg;

	free(arg);
	chance = b.chance;
	return b.run(b.arg);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
	base_memory_off();
	struct beginning *b = malloc(sizeof *b);
	base_memory_on();

	if (!b)
		abort();
	*b = (struct beginning){run, arg, dice(&chance)};
	return __real_pthread_create(thread, attr, begin, b);
}

ssize_t __wrap_getrandom(void *out, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *out, size_t n, unsigned flags)
{
	(void)flags;
	base_random(out, n);
	return (ssize_t)n;
}

/* OpenSSL's as well, keys that it makes by itself included: what is sealed is compressed again, so
 * a nonce by chance would be another length of a row, and another number of calls. */
static int random_bytes(unsigned char *out, int n)
{
	base_random(out, (size_t)n);
	return 1;
}

static int random_status(void)
{
	return 1;
}

void base_random_openssl(void)
{
	static const RAND_METHOD method = {
	    .bytes = random_bytes, .pseudorand = random_bytes, .status = random_status};

	RAND_set_rand_method(&method);
}
