#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# report.sh - make report and make status, on results made from golden logs. TAP.
#
# usage: scripts/tests/report.sh
#
# A headless browser opens the page as wide as a phone and as a desk: nothing may stick
# out, be too small to read or be loaded from elsewhere, and with every colour taken away
# each verdict must still be said in words.
#
# exit status: 0 all hold, 1 one does not, 2 cannot tell, 4 chromium is missing
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
need python3
s=$top/scripts golden=$top/scripts/tests/golden
command -v chromium >/dev/null 2>&1 || {
	warn 'report: skipped: chromium is missing: apt-get install chromium (or: scripts/setup.sh view)'; exit 4; }
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
out=$t/out

# lane NAME LOG PROGRAM ARG...: a run with this log, judged
lane() {
	mkdir -p "$out/$1"
	cp "$golden/$2" "$out/$1/log"
	[ ! -e "$golden/${2%log}silent" ] || cp "$golden/${2%log}silent" "$out/$1/silent"
	printf 'lane        %s\nseries      0123456789abcdef\naccelerator tcg\ndate        2026-11-26T00:00:00Z\n' "$1" >"$out/$1/manifest"
	_name=$1 _program=$3
	shift 3
	(cd "$golden" && "$s/verdict/$_program" "$@" "$out/$_name") >"$t/said" || :
}
lane um pass.log kunit_verdict.py --inventory inventory
lane um-smp fail.log kunit_verdict.py --inventory inventory --lane um-smp
lane x86_64 asked.log kunit_verdict.py --inventory inventory --lane x86_64
lane x86_64-vm vm-fail.log vm_verdict.py --matrix vm-matrix
# What a test prints is text, whatever it looks like.
printf 'FAILED a.b: <script>document.title = "ran"</script> <b>&amp;: log:1\n     1: </pre><h1>x\n    again: make kunit FILTER=a.b\n' >>"$out/um-smp/findings"
mkdir -p "$out/check"
printf 'lint\tok\t1\t0\t0\t2\num-smp\tFAILED\t6\t1\t1\t30\nsparse\tskipped\t0\t0\t1\t0\n' >"$out/check/results"
printf 'lint lint.sh\num-smp kunit.sh\nsparse sparse.sh\nvm vm.sh\n' >"$out/check/steps"
echo 'x86_64 vm: tests run: 7 of 284' >"$out/check/vm.log"
printf 'SF:/x/linux/mm/gup.c\nDA:1,1\nDA:2,0\nBRDA:1,0,0,1\nend_of_record\n' >"$out/gup.info"
# state [VERDICT]: the check runs (this shell is it), or has ended
state() {
	printf 'pid %s\nbegin %s\nstep vm\nsince 0\n' "$$" "$(date +%s)" >"$out/check/status"
	[ $# -eq 0 ] || printf 'verdict %s\n' "$1" >>"$out/check/status"
}

n=0 bad=0
ok() {	# STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=$((bad + 1)); fi
}
has() {	# FILE REGEX NAME
	if grep -q -E -e "$2" "$1"; then ok 0 "$3"; else ok 1 "$3"; sed 's/^/# /' "$1" | cut -c 1-200 | head -n 12; fi
}

echo 1..27
state
"$s/report/status.py" --out "$out" --linux "$t" >"$t/status"
has "$t/status" '^make check runs for [0-9]+ s, step 4 of 4, vm: 7 passed, 1 failed, 2 skipped so far; FAILED: um-smp' 'status of a check that runs'
has "$t/status" '^  now: x86_64 vm: tests run: 7 of 284' 'and what it does now'
has "$t/status" '^FAILED alpha.two: not ok.* again: make kunit LANE=um-smp FILTER=alpha.two$' 'a failure with the command that reruns it'
ok "$(($(wc -l <"$t/status") > 10))" 'in ten lines at the most'
state 'FAILED: um-smp'
"$s/report/status.py" --out "$out" --linux "$t" >"$t/status"
has "$t/status" '^make check: FAILED: um-smp: 7 passed' 'status of a check that has ended'
printf 'pid 4194305\nbegin 1\nstep vm\nsince 0\n' >"$out/check/status"
"$s/report/status.py" --out "$out" --linux "$t" >"$t/status"
has "$t/status" '^make check was interrupted in step 4 of 4, vm' 'status of one that was killed'
state 'all but 1 of 4 steps passed, skipped: sparse'
"$s/report/page.py" --out "$out" --linux "$t" "$t/page.html" >"$t/said"
has "$t/page.html" '<p class="verdict">✓ make check: all but 1 of 4 steps passed, skipped: sparse' 'a step that was skipped is no failure'
state 'FAILED: um-smp'
"$s/report/page.py" --out "$out" --linux "$t" "$t/page.html" >"$t/said"
has "$t/said" "^report: .*page.html" 'the page is written'

# The probe: the page in a frame of a given width, looked at from outside. Colours are
# taken away by a rule that nothing in the page can outdo.
cat >"$t/probe.py" <<'END'
import html, sys
page, width = open(sys.argv[1], encoding='utf-8').read(), sys.argv[2]
page = page.replace('</head>', '<style>* { color: black !important; background: white !important; '
                    'border-color: black !important }</style></head>')
print(rf'''<!DOCTYPE html><body><iframe id=f style="border:0;width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>
<pre id=told></pre><script>
addEventListener('load', () => {{
  const d = f.contentDocument, w = f.contentWindow, say = [];
  for (const x of d.querySelectorAll('details')) x.open = true;
  say.push('width ' + (d.documentElement.scrollWidth <= w.innerWidth ? 'fits' : 'overflows ' + d.documentElement.scrollWidth));
  const shown = [...d.querySelectorAll('body *')].filter(e => e.innerText && !e.children.length);
  say.push('smallest ' + Math.min(...shown.map(e => parseFloat(w.getComputedStyle(e).fontSize))));
  const out = shown.filter(e => !e.closest('pre, .wide') && e.getBoundingClientRect().right > w.innerWidth + 1);
  say.push('outside ' + out.length + ' ' + out.slice(0, 2).map(e => e.innerText));
  say.push('loaded ' + w.performance.getEntriesByType('resource').length);
  say.push('scripts ' + d.scripts.length + ' title ' + d.title);
  say.push('headings ' + [...d.querySelectorAll('h2')].map(e => e.innerText).join(','));
  say.push('links ' + [...d.querySelectorAll('nav a')].every(a => d.querySelector(a.getAttribute('href'))));
  say.push('verdict ' + d.querySelector('.verdict').innerText);
  for (const row of d.querySelectorAll('#lanes tbody tr, #check tbody tr')) say.push('row ' + row.innerText.replace(/\s+/g, ' '));
  say.push('failures ' + d.querySelector('#failures').innerText.replace(/\s+/g, ' '));
  say.push('folds ' + [...d.querySelectorAll('#lanes details details')].map(e => e.innerText.replace(/\s+/g, ' ')));
  say.push('cover ' + d.querySelector('#coverage').innerText.replace(/\s+/g, ' '));
  say.push('bars ' + d.querySelectorAll('.bar i').length);
  told.textContent = say.join('\n') + '\nend of it';
}});
</script>''')
END
look() {	# WIDTH: $t/told
	python3 "$t/probe.py" "$t/page.html" "$1" >"$t/probe.html"
	HOME=$t timeout -k 5 120 chromium --headless --no-sandbox --disable-gpu --window-size=1300,950 \
		--virtual-time-budget=5000 --dump-dom "file://$t/probe.html" 2>"$t/chromium.log" |
		sed -n '/<pre id="told">/,/end of it/p' | sed 's/<pre id="told">//' >"$t/told"
	grep -q '^end of it' "$t/told" || { tail -n 5 "$t/chromium.log" >&2; die 'report: chromium did not show the page: see above'; }
}

for width in 360 1200; do
	look "$width"
	has "$t/told" '^width fits' "$width wide: nothing to scroll sideways"
	has "$t/told" '^outside 0 ' "$width wide: no text sticks out"
	has "$t/told" '^smallest 1[2-9]' "$width wide: no text smaller than 12 pixels"
done
has "$t/told" '^loaded 0' 'nothing is loaded'
has "$t/told" '^scripts 0 title GUP: report' 'what a test printed stays text'
has "$t/told" '^headings Failures,Lanes,make check,Patches,Figures,Coverage' 'all chapters are there'
has "$t/told" '^links true' 'each link leads somewhere'
has "$t/told" '^verdict ✗ make check: FAILED: um-smp: 7 passed, 1 failed, 2 skipped' 'the verdict, without colour'
has "$t/told" '^row um ✓ ok ' 'a lane that is ok, without colour'
has "$t/told" '^row um-smp ✗ FAILED ' 'a lane that failed, without colour'
has "$t/told" '^row sparse – skipped ' 'a step that was skipped, without colour'
has "$t/told" '^failures .*got == 63 \(0x3f\).*Run it again: make kunit LANE=um-smp FILTER=alpha.two' 'a failure: excerpt and command'
has "$t/told" '^failures .*timed out after 10 seconds' 'the output of a test that hung'
has "$t/told" '^failures .*alive: CPU 0 in canary_hangs\+0x40 .*it listens' 'and what the guest told'
has "$t/told" '^folds x86_64 asked after 4 s .* registers at the last look: thread 9073' 'all of that in a fold'
has "$t/told" '^cover .*mm/gup.c 50.0 % \(1 of 2\) 100.0 % \(1 of 1\) 2' 'coverage, when there is one'
[ "$n" -eq 27 ] || { echo "# ran $n tests" >&2; exit 2; }
[ "$bad" -eq 0 ] || exit 1
