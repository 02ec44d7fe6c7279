/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers that depend on the seed and nothing else: xorshift, by G. Marsaglia. */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include <linux/types.h>

struct gup_random {
	__u64 state;
};

static inline unsigned int gup_below(struct gup_random *r, unsigned int n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (r->state >> 16) % n;
}

/* Seeds that are near each other give streams that are not. */
static inline void gup_seed(struct gup_random *r, __u64 seed, __u64 salt)
{
	unsigned int i;

	/* From 0 there is no way on. */
	r->state = seed * 0x9e3779b97f4a7c15ULL + salt ?: 1;
	for (i = 0; i < 8; i++)
		gup_below(r, 2);
}

#endif /* LIB_RANDOM_H */
