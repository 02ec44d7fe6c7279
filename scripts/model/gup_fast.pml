// SPDX-License-Identifier: GPL-2.0
//
// GUP-fast on cpu0 against one other side on cpu1, for spin.
//
// Memory: an array of cells. Each CPU has a store buffer, a queue that a process of
// its own empties whenever it likes. Plain stores and atomics that return nothing go
// through the queue: the second is weaker than x86, and what LKMM says. Atomics that
// return a value and smp_mb() wait until the own queue is empty. Loads that no barrier
// orders are made in any order (the loops over "todo"). TLB flushes do not wait for
// GUP-fast, as on arm64 or with INVLPGB; tlb_remove_table_sync_one() does.
//
// Not in the model: leaves above the page table, the zero page, pte_special(),
// FOLL_LONGTERM, zones, secretmem, accessed and dirty bits, a page table that mremap()
// moves away and back during one call, more than one other side at a time.
//
// One build serves all runs. From the environment: MODEL_REMOVED, the step left out;
// MODEL_PEER, the other side; MODEL_BASE=1, GUP-fast as it was before the series, one
// entry at a time; MODEL_FULL=1, every mapping against every peer.

// The steps. model.sh leaves each out and wants what the first word says:
//   needed  a step of GUP-fast: without it, a counterexample against the peer named
//   spare   a step of GUP-fast: without it no counterexample, against any peer
//   other   a rule that the other side keeps and GUP-fast relies on; else as needed
// Then the peers to run it against (FULL=1: a spare one against all), the file, and a
// piece of its text, blanks squeezed, found there once.

// needed fork | mm/gup.c | if (gup_flags & FOLL_PIN) mm_set_has_pinned_flag(current->mm);
#define NO_HAS_PINNED		1
// needed fork | mm/gup.c | if (!raw_seqcount_try_begin(&current->mm->write_protect_seq, seq)) return 0;
#define NO_SEQ_BEGIN		2
// needed table | mm/gup.c | local_irq_save(flags);
#define NO_IRQ_OFF		3
// needed fork | mm/gup.c | if (read_seqcount_retry(&current->mm->write_protect_seq, seq)) {
#define NO_SEQ_RETRY		4
// needed fork | mm/gup.c | gup_fast_undo(pages, nr_pinned); return 0;
#define NO_SEQ_UNPIN		5
// needed none | mm/gup.c | if (!pte_access_permitted(pte, flags & FOLL_WRITE)) goto pte_unmap;
#define NO_PERMISSION		6
// needed unmap | mm/gup.c | unlikely(!page_ref_add_unless_zero(page, refs))) return NULL;
#define NO_SMALL_UNLESS_ZERO	7
// needed unmap | mm/gup.c | if (unlikely(PageCompound(page))) {
#define NO_COMPOUND_RECHECK	8
// needed unmap | mm/gup.c | folio_put_refs(folio, refs); return NULL; } if (flags & FOLL_PIN)
#define NO_COMPOUND_PUT		9
// needed unmap | mm/gup.c | if (unlikely(!folio_ref_try_add(folio, refs))) return NULL;
#define NO_UNLESS_ZERO		10
// needed split | mm/gup.c | if (unlikely(page_folio(page) != folio)) {
#define NO_FOLIO_RECHECK	11
// needed unshare | mm/gup.c | */ smp_mb__after_atomic(); node_stat_mod_folio(folio, NR_FOLL_PIN_ACQUIRED, refs); return folio; }
#define NO_BARRIER		12
// needed table | mm/gup.c | if (unlikely(pmd_val(pmd) != pmd_val(pmdp_get_lockless(pmdp)) || pte_val(pte)
#define NO_PMD_LOOK		13
// needed unmap | mm/gup.c | pte_val(pte) != pte_val(ptep_get_lockless(ptep)) ||
#define NO_PTE_LOOK		14
// needed unmap | mm/gup.c | gup_fast_grab_small(page, flags); if (!folio) folio = try_grab_folio_fast(page, 1, flags);
#define PTE_LOOK_BEFORE_REF	15
// needed unshare | mm/gup.c | (!pte_write(pte) && gup_must_unshare(NULL, flags, page)) || ((flags & FOLL_PIN) && arch_make_folio_accessible(folio)))) {
#define NO_EXCLUSIVE		16
// needed unshare | mm/internal.h | /* Paired with a memory barrier in folio_try_share_anon_rmap_*(). */ if (IS_ENABLED(CONFIG_HAVE_GUP_FAST)) smp_rmb();
#define EXCLUSIVE_BEFORE_LOOK	17
// needed unmap | mm/gup.c | gup_put_folio(folio, 1, flags); goto pte_unmap;
#define NO_PUT			18
// needed none | mm/gup.c | more = (end - addr) / PAGE_SIZE;
#define NO_RANGE_END		19
// needed unmap | mm/gup.c | if (addr != end && folio_test_large(folio) &&
#define BATCH_LOOK_BEFORE_REF	20
// needed none | mm/gup.c | folio_nr_pages(folio) - folio_page_idx(folio, page) - 1);
#define NO_BATCH_SIZE		21
// needed none | mm/gup.c | pte_t next = pte_mkclean(ptep_get_lockless(++ptep));
#define NO_BATCH_LOOK		22
// needed none | mm/gup.c | want += step;
#define LOOK_LAST_ONLY		23
// needed none | mm/gup.c | for (nr = 0; nr < max; nr++) { pte_t next
#define LOOK_FIRST_ONLY		24
// needed none | mm/gup.c | if (pte_val(pte_mkold(next)) != want) break;
#define NO_BATCH_PERMISSION	25
// needed table | mm/gup.c | if (unlikely(pmd_val(pmd) != pmd_val(pmdp_get_lockless(pmdp)))) return 0; if (nr && !pte_write(pte))
#define NO_BATCH_PMD_LOOK	26
// needed table | mm/gup.c | smp_rmb(); if (unlikely(pmd_val(pmd) != pmd_val(pmdp_get_lockless(pmdp)))) return 0;
#define BATCH_PMD_LOOK_FIRST	27
// needed table | mm/gup.c | break; } /* Entries first, then the PMD, see above, and PageAnonExclusive(). */ smp_rmb();
#define NO_BATCH_RMB		28
// needed unshare | mm/gup.c | if (nr && !pte_write(pte)) nr = gup_unshared_pages(page + 1, nr, flags);
#define NO_BATCH_EXCLUSIVE	29
// needed none | mm/gup.c | if (!nr || try_grab_folio(folio, nr, flags)) return 0;
#define NO_BATCH_REF		30
// spare unmap,table | mm/gup.c | pte_pfn(ptep_get_lockless(ptep + 1)) == pte_pfn(pte) + 1) {
#define NO_PEEK			31
// spare unmap | mm/gup.c | if (PageTail(page) || PageHead(page) || is_zone_device_page(page)) return NULL;
#define NO_COMPOUND_LOOK	32
// other unshare | include/linux/rmap.h | smp_mb(); if (unlikely(folio_maybe_dma_pinned(folio))) return -EBUSY; ClearPageAnonExclusive(page);
#define OTHER_SHARE_NO_BARRIER	33
// other fork | mm/memory.c | raw_write_seqcount_begin(&src_mm->write_protect_seq);
#define OTHER_FORK_NO_SEQ	34
// Kept where an atomic is a barrier, as on x86. Elsewhere nothing stands between fork's
// count and its look at the pincount of a large folio; so before the series, too.
// other fork | mm/memory.c | folio_get(folio); if (folio_test_anon(folio)) { /* * If this page may have been pinned by the parent
#define OTHER_FORK_GET_RELAXED	35
// other table | mm/khugepaged.c | _pmd = pmdp_collapse_flush(vma, pmd_addr, pmd); spin_unlock(pmd_ptl); mmu_notifier_invalidate_range_end(&range); tlb_remove_table_sync_one();
#define OTHER_COLLAPSE_NO_SYNC	36
// Not kept by compaction_alloc(), which counts a page before it makes it a head; so
// before the series, too.
// other unmap | mm/page_alloc.c | page = __alloc_frozen_pages_noprof(gfp, order, preferred_nid, nodemask, alloc_flags); if (page) set_page_refcounted(page);
#define OTHER_COUNT_BEFORE_HEAD	37
// other split | mm/huge_memory.c | if (folio_ref_freeze(folio, folio_cache_ref_count(folio) + 1)) {
#define OTHER_SPLIT_NO_FREEZE	38

// peers
#define PEER_NONE	0
#define PEER_FORK	1
#define PEER_UNMAP	2
#define PEER_TABLE	3
#define PEER_UNSHARE	4
#define PEER_SPLIT	5

// what "@ broken" says
#define NOT_MAPPED	0	// returned a page that was not mapped there while referenced
#define SHARED		1	// pinned a page that the other side has shared
#define COPIED		2	// returned a page that the other side has copied away
#define UNBALANCED	3	// counts are not what they were after all is released
#define UNDERFLOW	4	// gave back a reference that was not held
#define FREE_COUNTED	5	// a free page has references
#define TABLE_FREED	6	// read an entry of a freed page table
#define FREE_PINNED	7	// freed a folio with a pincount
#define TOO_MANY	8	// returned more pages than were asked for

#define N	4	// entries; the range has "range" of them, mostly 3
#define P	4	// pages
#define BIAS	16	// GUP_PIN_COUNTING_BIAS: more than all other references

// cells
#define PMD	0
#define PTE(k)	(1 + (k))
#define SEQ	5
#define HAS_PINNED 6
#define REF(p)	(7 + (p))
#define PINC(p)	(7 + P + (p))
#define HEAD(p)	(7 + 2 * P + (p))	// 0, or the number of the head page plus 1
#define EXCL(p)	(7 + 3 * P + (p))	// PageAnonExclusive
#define CELLS	(7 + 4 * P)

#define TABLE	1	// the PMD points to our page table
#define LEAF	2

// an entry: 0, or page and write permission
#define pte_mk(p, w)	((((p) + 1) << 1) | (w))
#define pte_page(v)	(((v) >> 1) - 1)
#define pte_write(v)	((v) & 1)
#define pte_next(v, n)	((v) + 2 * (n))

#define SET 0
#define ADD 1

#define GET	0
#define PIN_RO	1
#define PIN_WRITE 2

byte removed, peer, base, every_map;
#define without(s) (removed == s)

byte mem[CELLS];
chan sb[2] = [4] of { byte, byte, byte };

// Truth that no CPU sees: references that are not GUP's, folio sizes, who has shared
// or copied what, which of the pages have been mapped at an entry under a reference.
byte legit[P], size[P], seen[N];
byte shared, copied, isfree;
bool table_freed, irqs_off, gup_done, peer_done;
byte flags, range, got, pages[N];
byte k_, p_, op_, loc_, val_, n_;

#define pinning	(flags != GET)
#define folio_of(p)	(mem[HEAD(p)] -> mem[HEAD(p)] - 1 : (p))
#define bit(b, p)	(((b) >> (p)) & 1)

inline broken(what) { printf("@ broken %d\n", what); assert(false) }

inline observe()
{
	if
	:: mem[PMD] == TABLE && !gup_done ->
		k_ = 0;
		do
		:: k_ == range -> break
		:: else ->
			if
			:: mem[PTE(k_)] && (flags != PIN_WRITE || pte_write(mem[PTE(k_)])) ->
				p_ = folio_of(pte_page(mem[PTE(k_)]));
				if
				:: mem[REF(p_)] > legit[p_] ->
					seen[k_] = seen[k_] | (1 << pte_page(mem[PTE(k_)]))
				:: else
				fi
			:: else
			fi;
			k_++
		od
	:: else
	fi;
	k_ = 0; p_ = 0
}

proctype buffer(byte c)
{
end:	do
	:: d_step {
		sb[c]?op_, loc_, val_;
		printf("@ %d visible %d %d %d\n", c, op_, loc_, val_);
		if
		:: op_ == ADD ->
			mem[loc_] = mem[loc_] + val_;
			if
			:: c == 1 && loc_ >= REF(0) && loc_ < REF(P) ->
				legit[loc_ - REF(0)] = legit[loc_ - REF(0)] + val_
			:: else
			fi
		:: else ->
			if
			:: loc_ >= REF(0) && loc_ < REF(P) ->
				if
				:: mem[loc_] -> broken(FREE_COUNTED)
				:: else
				fi;
				legit[loc_ - REF(0)] = val_;
				isfree = isfree & (255 - (1 << (loc_ - REF(0))))
			:: else
			fi;
			mem[loc_] = val_
		fi;
		op_ = 0; loc_ = 0; val_ = 0;
		observe()
	}
	od
}

#define store(c, loc, val)	atomic { printf("@ %d store %d %d\n", c, loc, val); sb[c]!SET, loc, val }
#define add(c, loc, val)	atomic { printf("@ %d add %d %d\n", c, loc, val); sb[c]!ADD, loc, val }
#define smp_mb(c)		empty(sb[c])
// A store after which this CPU does not load: when it becomes visible is all that counts,
// and the order of stores is kept.
#define store_now(loc, val)	store(1, loc, val); smp_mb(1)
#define add_now(loc, val)	add(1, loc, val); smp_mb(1)

inline free_folio(h)
{
	printf("@ free %d\n", h);
	if
	:: mem[PINC(h)] -> broken(FREE_PINNED)
	:: else
	fi;
	k_ = 0;
	do
	:: k_ == P -> break
	:: else ->
		if
		:: k_ == h || mem[HEAD(k_)] == h + 1 ->
			mem[HEAD(k_)] = 0; mem[EXCL(k_)] = 0; size[k_] = 1;
			isfree = isfree | (1 << k_)
		:: else
		fi;
		k_++
	od;
	k_ = 0
}

// folio_put_refs(): atomic_sub_and_test() is fully ordered
inline put(c, h, nr)
{
	d_step {
		empty(sb[c]);
		n_ = nr;
		printf("@ %d put %d %d\n", c, h, n_);
		if
		:: mem[REF(h)] < n_ -> broken(UNDERFLOW)
		:: else
		fi;
		mem[REF(h)] = mem[REF(h)] - n_;
		if
		:: c == 1 -> legit[h] = legit[h] - n_
		:: else
		fi;
		if
		:: mem[REF(h)] == 0 -> free_folio(h)
		:: else
		fi;
		n_ = 0;
		observe()
	}
}

// atomic_add_unless(): fully ordered when it succeeds, not at all when not
inline add_unless_zero(h, nr, always, ok)
{
	d_step {
		mem[REF(h)] == 0 || empty(sb[0]);
		ok = mem[REF(h)] != 0 || always;
		printf("@ 0 take %d %d %d\n", h, nr, ok);
		if
		:: ok -> mem[REF(h)] = mem[REF(h)] + nr
		:: else
		fi;
		observe()
	}
}

// __gup_put_folio()
inline gup_put(h, nr)
{
	atomic {
		large = (mem[HEAD(h)] != 0);
		printf("@ 0 unpin %d %d\n", h, nr);
		if
		:: pinning && large -> sb[0]!ADD, PINC(h), 256 - (nr)
		:: else
		fi
	}
	if
	:: pinning && !large -> put(0, h, (nr) * BIAS)
	:: else -> put(0, h, nr)
	fi
}

// The loads still to be made of those that no barrier orders. What is read of a batch
// leaves nr, the number of pages that follow the first one and are good so far.
#define L_PMD	1
#define L_EXCL	2
#define L_PTE(k) (4 << (k))	// k: the entry's distance from the first
#define L_PEEK	64
#define L_PMD_AGAIN 128
#define L_FIRST	(L_PMD | L_EXCL | L_PTE(0))

inline look_pmd()
{
	atomic {
		(todo & L_PMD);
		todo = todo - L_PMD;
		printf("@ 0 pmd2 %d\n", mem[PMD]);
		if
		:: mem[PMD] != TABLE -> same = false; todo = 0
		:: else
		fi
	}
}

// Two loads of one cell are made in their order.
inline look_pmd_again()
{
	atomic {
		(todo & L_PMD_AGAIN) && !(todo & L_PMD);
		todo = todo - L_PMD_AGAIN;
		printf("@ 0 pmd2 %d\n", mem[PMD]);
		if
		:: mem[PMD] != TABLE -> nr = 0; todo = todo & L_FIRST
		:: else
		fi
	}
}

// The distance d, from the first entry; it must be pte, as many pages on.
inline look_pte(d)
{
	atomic {
		(todo & L_PTE(d)) && (d != 1 || !(todo & L_PEEK)) &&
			(d == 0 || !without(BATCH_PMD_LOOK_FIRST) || !(todo & L_PMD_AGAIN));
		todo = todo - L_PTE(d);
		if
		:: table_freed -> broken(TABLE_FREED)
		:: else
		fi;
		if
		:: d == 0 -> printf("@ 0 pte2 %d %d\n", i, mem[PTE(i)])
		:: else -> printf("@ 0 scan %d %d\n", i + d, mem[PTE(i + d)])
		fi;
		if
		:: mem[PTE(i + d)] == pte_next(pte, d)
		:: without(NO_BATCH_PERMISSION) && d > 0 &&
		   (mem[PTE(i + d)] | 1) == (pte_next(pte, d) | 1)
		:: else ->
			if
			:: d == 0 -> same = false; todo = 0
			:: else -> ends_before(d); todo = todo & (L_PTE(d) - 1 | L_PEEK | L_PMD_AGAIN)
			fi
		fi
	}
}

inline ends_before(d)
{
	if
	:: nr >= d -> nr = d - 1
	:: else
	fi
}

inline look_peek()
{
	atomic {
		(todo & L_PEEK);
		todo = todo - L_PEEK;
		if
		:: table_freed -> broken(TABLE_FREED)
		:: else
		fi;
		printf("@ 0 peek %d %d\n", i + 1, mem[PTE(i + 1)]);
		if
		:: pte_page(mem[PTE(i + 1)]) != page + 1 -> nr = 0; todo = todo & L_FIRST
		:: else
		fi
	}
}

inline look_excl(d, which)
{
	atomic {
		(todo & (which));
		todo = todo - (which);
		printf("@ 0 excl %d %d\n", page + d, mem[EXCL(page + d)]);
		if
		:: mem[EXCL(page + d)]
		:: else ->
			if
			:: d == 0 -> same = false; todo = 0
			:: else -> ends_before(d); todo = todo & (which - 1)
			fi
		fi
	}
}

inline looks()
{
	do
	:: look_pmd()
	:: look_pte(0)
	:: look_excl(0, L_EXCL)
	:: look_peek()
	:: look_pte(1)
	:: look_pte(2)
	:: look_pte(3)
	:: look_pmd_again()
	:: todo == 0 -> break
	od
}

inline todo_first()
{
	todo = todo | L_PMD | L_PTE(0);
	if
	:: must_check_excl && without(EXCLUSIVE_BEFORE_LOOK) -> todo = todo | L_EXCL
	:: without(NO_PMD_LOOK) -> todo = todo - L_PMD
	:: without(NO_PTE_LOOK) -> todo = todo - L_PTE(0)
	:: else
	fi
}

// how many pages may follow in the range and in the folio
inline batch_max()
{
	nr = range - 1 - i;
	if
	:: without(NO_RANGE_END) -> nr = N - 1 - i
	:: else
	fi;
	if
	:: base || mem[HEAD(folio)] == 0 || i + 1 == range || page < folio -> nr = 0
	:: else
	fi;
	if
	:: !without(NO_BATCH_SIZE) && folio + size[folio] < page + 1 + nr ->
		nr = (folio + size[folio] > page -> folio + size[folio] - page - 1 : 0)
	:: else
	fi
}

inline todo_batch()
{
	k_ = 1;
	do
	:: k_ > nr -> break
	:: else ->
		if
		:: without(NO_BATCH_LOOK) || without(LOOK_LAST_ONLY) && k_ < nr ||
		   without(LOOK_FIRST_ONLY) && k_ > 1
		:: else -> todo = todo | L_PTE(k_)
		fi;
		k_++
	od;
	k_ = 0;
	if
	:: nr && !without(NO_PEEK) -> todo = todo | L_PEEK
	:: else
	fi;
	if
	:: nr && (without(BATCH_PMD_LOOK_FIRST) || without(NO_BATCH_RMB)) -> todo = todo | L_PMD_AGAIN
	:: else
	fi
}

proctype gup()
{
	byte i, seq, pte, page, folio, nr, todo;
	bool ok, large, same, must_check_excl;

	// gup_fast_fallback()
	if
	:: pinning && !without(NO_HAS_PINNED) -> store(0, HAS_PINNED, 1)
	:: else
	fi;

	// gup_fast()
	if
	:: pinning ->
		atomic {
			seq = mem[SEQ];
			printf("@ 0 seq %d\n", seq);
			if
			:: (seq & 1) && !without(NO_SEQ_BEGIN) -> goto out
			:: else
			fi
		}
	:: else
	fi;
	if
	:: !without(NO_IRQ_OFF) -> irqs_off = true
	:: else
	fi;

	// gup_fast_pmd_range()
	atomic {
		printf("@ 0 pmd %d\n", mem[PMD]);
		if
		:: mem[PMD] != TABLE -> goto irqs_on
		:: else
		fi
	}

	// gup_fast_pte_range()
next:	atomic {
		if
		:: table_freed -> broken(TABLE_FREED)
		:: else
		fi;
		pte = mem[PTE(i)];
		printf("@ 0 pte %d %d\n", i, pte);
		if
		:: pte == 0 -> goto irqs_on
		:: flags == PIN_WRITE && !pte_write(pte) && !without(NO_PERMISSION) -> goto irqs_on
		:: else
		fi;
		page = pte_page(pte);
		must_check_excl = (flags == PIN_RO && !pte_write(pte));
		same = true;
		if
		:: without(PTE_LOOK_BEFORE_REF) -> todo_first()
		:: without(BATCH_LOOK_BEFORE_REF) -> folio = folio_of(page); batch_max(); todo_batch()
		:: else
		fi
	}
	looks();

	// gup_fast_grab_small()
	if
	:: base -> goto fast
	:: else
	fi;
	atomic {
		printf("@ 0 compound %d %d\n", page, mem[HEAD(page)]);
		if
		:: mem[HEAD(page)] && !without(NO_COMPOUND_LOOK) -> goto fast
		:: else -> folio = page
		fi
	}
	atomic {
		printf("@ 0 count %d %d\n", page, mem[REF(page)]);
		if
		:: mem[REF(page)] == 0 -> goto fast
		:: else
		fi
	}
	add_unless_zero(page, (pinning -> BIAS : 1), without(NO_SMALL_UNLESS_ZERO), ok);
	if
	:: !ok -> goto fast
	:: else
	fi;
	atomic {
		printf("@ 0 compound %d %d\n", page, mem[HEAD(page)]);
		if
		:: mem[HEAD(page)] == 0 || without(NO_COMPOUND_RECHECK) -> goto grabbed
		:: without(NO_COMPOUND_PUT) -> goto fast
		:: else
		fi
	}
	put(0, page, (pinning -> BIAS : 1));

	// try_grab_folio_fast(), try_get_folio()
fast:	atomic {
		folio = folio_of(page);
		printf("@ 0 folio %d %d\n", page, folio)
	}
	add_unless_zero(folio, 1, without(NO_UNLESS_ZERO), ok);
	if
	:: !ok -> goto irqs_on
	:: else
	fi;
	atomic {
		printf("@ 0 folio %d %d\n", page, folio_of(page));
		if
		:: folio_of(page) != folio && !without(NO_FOLIO_RECHECK) -> ok = false
		:: else
		fi
	}
	if
	:: !ok -> put(0, folio, 1); goto fast
	:: else
	fi;
	if
	:: pinning ->
		atomic {
			printf("@ 0 haspincount %d %d\n", folio, mem[HEAD(folio)] != 0);
			if
			:: mem[HEAD(folio)] -> sb[0]!ADD, PINC(folio), 1
			:: else -> sb[0]!ADD, REF(folio), BIAS - 1
			fi
		}
		if
		:: !without(NO_BARRIER) -> smp_mb(0)
		:: else
		fi
	:: else
	fi;

grabbed:
	// The loads for the batch are made after the reference, and no barrier keeps them
	// behind the looks at the first page but the one in gup_must_unshare().
	atomic {
		if
		:: !without(PTE_LOOK_BEFORE_REF) -> todo_first()
		:: else
		fi;
		if
		:: !without(BATCH_LOOK_BEFORE_REF) -> batch_max()
		:: else
		fi;
		ok = (must_check_excl && !without(NO_EXCLUSIVE) && !without(EXCLUSIVE_BEFORE_LOOK));
		if
		:: !ok && !without(BATCH_LOOK_BEFORE_REF) -> todo_batch()
		:: else
		fi;
		todo = (same -> todo : 0)
	}
	looks();
	atomic {
		if
		:: ok && same ->
			todo = L_EXCL;
			if
			:: !without(BATCH_LOOK_BEFORE_REF) -> todo_batch()
			:: else
			fi
		:: else
		fi
	}
	looks();
	if
	:: !same ->
		if
		:: !without(NO_PUT) -> gup_put(folio, 1)
		:: else
		fi;
		goto irqs_on
	:: else
	fi;
	atomic {
		pages[i] = page; got = i + 1; ok = 0;
		if
		:: nr == 0 -> goto stored
		:: without(NO_BATCH_PMD_LOOK) || without(BATCH_PMD_LOOK_FIRST) || without(NO_BATCH_RMB)
		:: else -> todo = L_PMD_AGAIN
		fi
	}

	// gup_fast_pte_batch() from its smp_rmb() on
	if
	:: todo -> look_pmd_again()
	:: else
	fi;
	atomic {
		if
		:: must_check_excl && !without(NO_BATCH_EXCLUSIVE) ->
			todo = (nr > 0 -> L_PTE(1) : 0) | (nr > 1 -> L_PTE(2) : 0) | (nr > 2 -> L_PTE(3) : 0)
		:: else
		fi
	}
	do
	:: look_excl(1, L_PTE(1))
	:: look_excl(2, L_PTE(2))
	:: look_excl(3, L_PTE(3))
	:: todo == 0 -> break
	od;
	if
	:: nr == 0 -> goto stored
	:: without(NO_BATCH_REF)
	:: else ->
		add(0, REF(folio), nr);
		if
		:: pinning -> add(0, PINC(folio), nr)
		:: else
		fi
	fi;
	atomic {
		pages[i + 1] = page + 1;
		if
		:: nr > 1 -> pages[i + 2] = page + 2
		:: else
		fi;
		if
		:: nr > 2 -> pages[i + 3] = page + 3
		:: else
		fi;
		got = i + 1 + nr
	}
stored:	atomic {
		i = got; nr = 0; large = 0; same = 0; ok = 0;
		page = 0; pte = 0; folio = 0; must_check_excl = 0;
		if
		:: i < range -> goto next
		:: else
		fi
	}

irqs_on:
	irqs_off = false;

	// gup_fast() again
	if
	:: pinning && !without(NO_SEQ_RETRY) ->
		atomic {
			printf("@ 0 retry %d\n", mem[SEQ]);
			ok = (mem[SEQ] == seq)
		}
		if
		:: !ok && without(NO_SEQ_UNPIN) -> got = 0
		:: !ok && !without(NO_SEQ_UNPIN) ->
			do
			:: got == 0 -> break
			:: else -> atomic { got = got - 1; folio = folio_of(pages[got]) };
				gup_put(folio, 1)
			od
		:: else
		fi
	:: else
	fi;
out:	atomic {
		empty(sb[0]);
		gup_done = true;
		printf("@ return %d\n", got);
		if
		:: got > range -> broken(TOO_MANY)
		:: else
		fi;
		i = 0;
		do
		:: i == got -> break
		:: else ->
			if
			:: !bit(seen[i], pages[i]) -> printf("@ page %d %d\n", i, pages[i]); broken(NOT_MAPPED)
			:: else
			fi;
			i++
		od;
		i = 0; seq = 0; pte = 0; page = 0; folio = 0; nr = 0; todo = 0;
		ok = 0; large = 0; same = 0; must_check_excl = 0;
		do
		:: i == range -> break
		:: else -> seen[i] = 0; i++
		od;
		i = 0
	}

	// What the caller does with the pages takes until the other side is through.
	atomic {
		peer_done && empty(sb[1]) && empty(sb[0]);
		i = 0;
		do
		:: i == got -> break
		:: else ->
			if
			:: pinning && bit(shared, pages[i]) -> printf("@ page %d %d\n", i, pages[i]); broken(SHARED)
			:: bit(copied, pages[i]) -> printf("@ page %d %d\n", i, pages[i]); broken(COPIED)
			:: else
			fi;
			i++
		od
	}
	do
	:: got == 0 -> break
	:: else -> atomic { got = got - 1; folio = folio_of(pages[got]) };
		gup_put(folio, 1)
	od;
	atomic {
		empty(sb[0]);
		i = 0;
		do
		:: i == P -> break
		:: else ->
			if
			:: mem[REF(i)] != legit[i] || mem[PINC(i)] ->
				printf("@ counts %d %d %d %d\n", i, mem[REF(i)], legit[i], mem[PINC(i)]);
				broken(UNBALANCED)
			:: else
			fi;
			i++
		od
	}
}

// folio_maybe_dma_pinned(); the folio's references that this CPU has added are visible
#define maybe_pinned(h)	(mem[HEAD(h)] -> mem[PINC(h)] > 0 : mem[REF(h)] >= BIAS)

#define HAVE(e)	((e) != 0)

// copy_page_range(), entry after entry
proctype fork()
{
	byte k, pte, page, h;
	bool pinned;

	if
	:: !without(OTHER_FORK_NO_SEQ) -> store(1, SEQ, 1)
	:: else
	fi;
	do
	:: k == range -> break
	:: k < range && mem[PTE(k)] == 0 -> k++
	:: k < range && HAVE(mem[PTE(k)]) ->
		atomic {
			pte = mem[PTE(k)];
			page = pte_page(pte);
			h = folio_of(page)
		}
		add(1, REF(h), 1);
		if
		:: !without(OTHER_FORK_GET_RELAXED) -> smp_mb(1)
		:: else
		fi;
		atomic {
			// Its own addition to the count that it reads is done by then.
			mem[HEAD(h)] || empty(sb[1]);
			pinned = (mem[HAS_PINNED] && maybe_pinned(h));
			printf("@ 1 pinned %d %d\n", h, pinned)
		}
		if
		:: pinned && mem[EXCL(page)] -> put(1, h, 1)
		:: else ->
			atomic { printf("@ 1 shares %d\n", page); shared = shared | (1 << page); sb[1]!SET, EXCL(page), 0 }
			if
			:: pte_write(pte) -> store(1, PTE(k), pte - 1)
			:: else
			fi
		fi;
		atomic { k++; pte = 0; page = 0; h = 0; pinned = 0 }
	od;
	if
	:: !without(OTHER_FORK_NO_SEQ) -> store(1, SEQ, 2)
	:: else
	fi;
	atomic { peer_done = true; k = 0 }
}

inline zap(k)
{
	atomic { pte = mem[PTE(k)]; mem[PTE(k)] }
	store(1, PTE(k), 0);
	smp_mb(1);
	atomic { h = folio_of(pte_page(pte)) }
	put(1, h, 1);
	atomic { pte = 0; h = 0 }
}

// A page of its own that was free, and its entry
inline alloc_small(p)
{
	store_now(REF(p), 1)
}

// zap_pte_range(), then other uses of what got free
proctype unmap()
{
	byte k, pte, h, rounds, w;

	w = pte_write(mem[PTE(0)]);
	do
	:: k == range -> break
	:: k < range -> k++
	:: k < range && HAVE(mem[PTE(k)]) -> zap(k); k++
	od;
	k = 0;
	do
	:: rounds < 2 && bit(isfree, 0) -> rounds++; alloc_small(0);	// somebody else's
	:: rounds < 2 && bit(isfree, 0) && mem[PTE(0)] == 0 -> rounds++;
		store_now(EXCL(0), 1); alloc_small(0); store_now(PTE(0), pte_mk(0, w))
	:: rounds < 2 && bit(isfree, 1) && mem[PTE(1)] == 0 -> rounds++;
		store_now(EXCL(1), 1); alloc_small(1); store_now(PTE(1), pte_mk(1, w))
	:: rounds < 2 && bit(isfree, 0) && bit(isfree, 1) && mem[PTE(0)] == 0 -> rounds = 2;
		// a folio of two pages, the first of which is mapped
		atomic { size[0] = 2; isfree = isfree & 253 };
		if
		:: without(OTHER_COUNT_BEFORE_HEAD) -> alloc_small(0)
		:: else
		fi;
		store_now(HEAD(1), 1);
		store_now(HEAD(0), 1);
		if
		:: !without(OTHER_COUNT_BEFORE_HEAD) -> alloc_small(0)
		:: else
		fi;
		store_now(EXCL(0), 1);
		store_now(PTE(0), pte_mk(0, w))
	:: break
	od;
	atomic { peer_done = true; k = 0; rounds = 0; w = 0 }
}

// The page table goes: collapse_huge_page(), free_pgtables() or move_normal_pmd()
proctype table()
{
	byte k, pte, h;
	bool ok;

	if
	:: goto collapse
	:: goto munmap
	:: goto mremap
	fi;

collapse:
	store(1, PMD, 0);
	smp_mb(1);
	if
	:: !without(OTHER_COLLAPSE_NO_SYNC) -> !irqs_off
	:: else
	fi;
	// __collapse_huge_page_isolate()
	atomic {
		ok = true;
		do
		:: k == range -> break
		:: else ->
			if
			:: mem[PTE(k)] ->
				h = folio_of(pte_page(mem[PTE(k)]));
				if
				:: mem[REF(h)] != legit[h] -> ok = false
				:: else
				fi
			:: else
			fi;
			k++
		od;
		k = 0; h = 0;
		printf("@ 1 isolates %d\n", ok)
	}
	if
	:: !ok -> store(1, PMD, TABLE); goto out
	:: else
	fi;
	do
	:: k == range -> break
	:: k < range && mem[PTE(k)] == 0 -> k++
	:: k < range && HAVE(mem[PTE(k)]) ->
		atomic { printf("@ 1 copies %d\n", pte_page(mem[PTE(k)])); copied = copied | (1 << pte_page(mem[PTE(k)])) };
		zap(k); k++
	od;
	store(1, PMD, LEAF);
	smp_mb(1);
	// The table is kept for the leaf: who zaps that frees it, and waits for no one.
	atomic { printf("@ 1 freestable\n"); table_freed = true };
	goto out;

munmap:
	do
	:: k == range -> break
	:: k < range && mem[PTE(k)] == 0 -> k++
	:: k < range && HAVE(mem[PTE(k)]) -> zap(k); k++
	od;
	store(1, PMD, 0);
	smp_mb(1);
	!irqs_off;
	atomic { printf("@ 1 freestable\n"); table_freed = true };
	goto out;

mremap:
	// The table is where another PMD points to: what is mapped there is not here.
	// Its TLB flush does not wait; then a fault at the new place fills an entry.
	store(1, PMD, 0);
	smp_mb(1);
	if
	:: mem[PTE(1)] == 0 && mem[HEAD(1)] ->
		atomic { h = folio_of(1); pte = mem[PTE(0)] };
		if
		:: pte -> add(1, REF(h), 1); store(1, PTE(1), pte_next(pte, 1))
		:: else
		fi
	:: else
	fi;
out:	atomic { peer_done = true; k = 0; pte = 0; h = 0; ok = 0 }
}

// try_to_unmap_one(), write_protect_page(): one exclusive page becomes a shared one
proctype unshare()
{
	byte k, pte, page, h;
	bool pinned;

	if
	:: k = 0
	:: k = 1
	:: k = 2
	fi;
	if
	:: mem[PTE(k)] == 0 -> goto out
	:: else
	fi;
	atomic {
		pte = mem[PTE(k)];
		page = pte_page(pte);
		h = folio_of(page)
	}
	store(1, PTE(k), 0);
	if
	:: !without(OTHER_SHARE_NO_BARRIER) -> smp_mb(1)
	:: else
	fi;
	atomic {
		pinned = maybe_pinned(h);
		printf("@ 1 pinned %d %d\n", h, pinned)
	}
	if
	:: pinned -> store(1, PTE(k), pte); goto out
	:: else
	fi;
	atomic { printf("@ 1 shares %d\n", page); shared = shared | (1 << page); sb[1]!SET, EXCL(page), 0 }
	smp_mb(1);
	if
	:: store(1, PTE(k), pte - pte_write(pte))
	:: smp_mb(1) -> put(1, h, 1)
	fi;
out:	atomic { peer_done = true; k = 0; pte = 0; page = 0; h = 0; pinned = 0 }
}

// __folio_split() of the folio of page 0
proctype split()
{
	byte k, pte[N], h;
	bool pinned, ok;

	if
	:: mem[HEAD(0)] == 0 -> goto out
	:: else
	fi;
	add(1, REF(0), 1);
	smp_mb(1);
	// unmap_folio()
	do
	:: k == range -> break
	:: k < range && (mem[PTE(k)] == 0 || folio_of(pte_page(mem[PTE(k)])) != 0) -> k++
	:: k < range && HAVE(mem[PTE(k)]) && folio_of(pte_page(mem[PTE(k)])) == 0 ->
		pte[k] = mem[PTE(k)];
		store(1, PTE(k), 0);
		smp_mb(1);
		atomic {
			pinned = maybe_pinned(0);
			printf("@ 1 pinned 0 %d\n", pinned)
		}
		if
		:: pinned -> store(1, PTE(k), pte[k]); pte[k] = 0
		:: else -> store(1, EXCL(pte_page(pte[k])), 0); smp_mb(1); put(1, 0, 1)
		fi;
		k++
	od;
	smp_mb(1);
	// folio_ref_freeze()
	d_step {
		empty(sb[1]);
		ok = (mem[REF(0)] == 1);
		if
		:: without(OTHER_SPLIT_NO_FREEZE) -> ok = (legit[0] == 1)
		:: else
		fi;
		printf("@ 1 freeze 0 %d\n", ok);
		if
		:: ok && !without(OTHER_SPLIT_NO_FREEZE) -> mem[REF(0)] = 0; legit[0] = 0
		:: else
		fi
	}
	if
	:: ok ->
		k = size[0] - 1;
		do
		:: k == 0 -> break
		:: else -> store_now(HEAD(k), 0); store_now(REF(k), 1); k--
		od;
		store(1, HEAD(0), 0);
		smp_mb(1);
		if
		:: !without(OTHER_SPLIT_NO_FREEZE) -> store(1, REF(0), 1)
		:: else
		fi
	:: else
	fi;
	smp_mb(1);
	// remap_page(); then the references of the split itself
	k = 0;
	do
	:: k == range -> break
	:: k < range && pte[k] == 0 -> k++
	:: k < range && HAVE(pte[k]) ->
		h = folio_of(pte_page(pte[k]));
		add_now(REF(h), 1);
		store_now(EXCL(pte_page(pte[k])), 1);
		store_now(PTE(k), pte[k]);
		pte[k] = 0;
		k++
	od;
	smp_mb(1);
	put(1, 0, 1);
	if
	:: ok ->
		k = size[0] - 1;
		do
		:: k == 0 -> break
		:: else -> put(1, k, 1); k--
		od
	:: else
	fi;
out:	atomic { peer_done = true; k = 0; h = 0; pinned = 0; ok = 0 }
}

c_decl {
\#include <stdlib.h>
}

inline map(k, p, w)
{
	mem[PTE(k)] = pte_mk(p, w);
	mem[EXCL(p)] = 1;
	h = folio_of(p);
	mem[REF(h)] = mem[REF(h)] + 1;
	legit[h] = mem[REF(h)]
}

inline large_folio(nr)
{
	mem[HEAD(0)] = 1; mem[HEAD(1)] = 1; size[0] = nr;
	if
	:: nr > 2 -> mem[HEAD(2)] = 1
	:: else
	fi;
	if
	:: nr > 3 -> mem[HEAD(3)] = 1
	:: else
	fi
}

init {
	byte h, w, w1, shape;

	atomic {
		c_code {
			const char *s;

			now.removed = (s = getenv("MODEL_REMOVED")) ? atoi(s) : 0;
			now.peer = (s = getenv("MODEL_PEER")) ? atoi(s) : 0;
			now.base = (s = getenv("MODEL_BASE")) ? atoi(s) : 0;
			now.every_map = (s = getenv("MODEL_FULL")) ? atoi(s) : 0;
		};
		if
		:: flags = GET
		:: flags = PIN_RO
		:: flags = PIN_WRITE
		fi;
		if
		:: w = 1; w1 = 1
		:: flags == PIN_RO -> w = 0; w1 = 0
		:: flags == PIN_WRITE -> w = 1; w1 = 0
		fi;
		range = 3;
		do
		:: h < P -> size[h] = 1; h++
		:: else -> break
		od;
		mem[PMD] = TABLE;
		if
		:: shape = 0; large_folio(3); map(0, 0, w); map(1, 1, w1); map(2, 2, w)
		:: every_map || peer != PEER_SPLIT ->
			shape = 1; map(0, 0, w); map(1, 1, w1)
		:: every_map || peer == PEER_NONE ->
			shape = 2; large_folio(3); map(0, 0, w); map(1, 3, w1); map(2, 2, w)
		:: every_map || peer == PEER_NONE ->
			shape = 3; large_folio(2); map(0, 0, w); map(1, 1, w1); map(2, 2, w)
		:: every_map || peer == PEER_NONE || peer == PEER_TABLE ->
			shape = 4; large_folio(3); map(0, 0, w); map(2, 2, w)
		:: every_map || peer == PEER_NONE || peer == PEER_UNSHARE ->
			shape = 5; large_folio(2); map(0, 3, w); map(1, 0, w1); map(2, 1, w)
		:: every_map || peer == PEER_NONE || peer == PEER_SPLIT ->
			shape = 6; large_folio(3); map(0, 1, w); map(1, 2, w1); map(2, 0, w)
		:: peer == PEER_NONE ->
			shape = 7; large_folio(4); range = 4;
			map(0, 0, w); map(1, 1, w1); map(3, 3, w)
		:: peer == PEER_NONE ->
			shape = 8; large_folio(3); range = 2;
			map(0, 0, w); map(1, 1, w1); map(2, 2, w)
		fi;
		h = 0;
		printf("@ start %d %d %d %d\n", flags, shape, w, w1);
		run buffer(0);
		run buffer(1);
		if
		:: peer == PEER_NONE -> peer_done = true
		:: peer == PEER_FORK -> run fork()
		:: peer == PEER_UNMAP -> run unmap()
		:: peer == PEER_TABLE -> run table()
		:: peer == PEER_UNSHARE -> run unshare()
		:: peer == PEER_SPLIT -> run split()
		fi;
		run gup();
		w = 0; w1 = 0; shape = 0
	}
}
