// SPDX-License-Identifier: GPL-2.0
/*
 * What the recipes are made of: memory at an address with a certain alignment, the
 * word that marks a page, and a child that shares all of it.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "shapes.h"

enum made cannot(const char *what)
{
	gup_fails("%s: %s", what, strerror(errno));
	return CANNOT;
}

enum made broken(const char *what)
{
	gup_fails("making the shape: %s: %s", what, strerror(errno));
	return BROKEN;
}

void put_words(char *p, __u64 word)
{
	WRITE_ONCE(*first_word(p), word);
	WRITE_ONCE(*last_word(p), ~word);
}

bool has_words(char *p, __u64 word)
{
	__u64 other = word ? ~word : 0;

	return READ_ONCE(*first_word(p)) == word && READ_ONCE(*last_word(p)) == other;
}

/* The process writes its mark to pages [i, i + n). */
void stamp(struct mapping *m, unsigned long i, unsigned long n)
{
	for (; n--; i++) {
		m->words[i] = WRITTEN + i;
		put_words(page(m, i), m->words[i]);
	}
}

void touch(struct mapping *m, unsigned long i, unsigned long n)
{
	for (; n--; i++)
		FORCE_READ(*page(m, i));
}

/*
 * Mapping. The range is [@skip, @skip + @nr) pages of a mapping of @len bytes that
 * starts at a multiple of @align.
 */
bool map_at(struct mapping *m, size_t len, size_t align, int flags, int file)
{
	char *room = mmap(NULL, len + align, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	if (room == MAP_FAILED)
		return false;
	at = (char *)(((unsigned long)room + align - 1) & -align);
	munmap(room, at - room);
	munmap(at + len, room + align - at);
	at = mmap(at, len, m->prot, flags | MAP_FIXED, file, 0);
	if (at == MAP_FAILED)
		return false;
	m->map = at;
	m->map_len = len;
	return true;
}

bool choose(struct mapping *m, unsigned long skip, unsigned long nr)
{
	m->mem = m->map + skip * psize();
	m->nr = nr;
	m->offset = skip * psize();
	m->words = calloc(nr, sizeof(*m->words));
	return m->words;
}

bool map_small(struct mapping *m, int flags, int file)
{
	return map_at(m, SMALL * psize(), psize(), flags, file) && choose(m, 0, SMALL);
}

bool map_anon(struct mapping *m)
{
	return map_small(m, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* Families. */

static bool words_are_mine(struct mapping *m)
{
	unsigned long i;

	for (i = 0; i < m->nr; i++)
		if (!has_words(page(m, i), m->words[i]))
			return false;
	return true;
}

static void be_child(struct mapping *m, int ask, int answer)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(ask, &c, 1) == 1) {
		c = words_are_mine(m) ? 'y' : 'n';
		if (write(answer, &c, 1) != 1)
			break;
	}
	_exit(0);
}

bool ask_child(struct mapping *m, char *c)
{
	*c = '?';
	return write(m->ask, c, 1) == 1 && read(m->answer, c, 1) == 1;
}

static bool fork_child(struct mapping *m)
{
	int ask[2], answer[2];
	char c;

	if (pipe(ask) || pipe(answer))
		return false;
	m->child = fork();
	if (!m->child) {
		close(ask[1]);
		close(answer[0]);
		be_child(m, ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	m->ask = ask[1];
	m->answer = answer[0];
	/* When it answers it runs, and has done with what fork() does late. */
	return m->child > 0 && ask_child(m, &c) && c == 'y';
}

/* What was made, if it was, and a child that shares it. */
enum made and_forked(struct mapping *m, enum made made)
{
	return made != MADE || fork_child(m) ? made : broken("fork");
}

void end_child(struct mapping *m)
{
	if (m->child <= 0)
		return;
	close(m->ask);
	close(m->answer);
	waitpid(m->child, NULL, 0);
	m->child = 0;
}

void unmap_shape(struct mapping *m)
{
	end_child(m);
	end_uffd(m);
	if (m->map)
		munmap(m->map, m->map_len);
	if (m->file >= 0)
		close(m->file);
	free(m->words);
}

enum made map_shape(struct mapping *m, const struct shape *s)
{
	*m = (struct mapping) {
		.prot = PROT_READ | PROT_WRITE,
		.file = -1,
		.uffd = -1,
	};
	return s->make(m, s->arg);
}
