#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# try.sh - does the kit work? Boot both of its packages in QEMU, measure, compare
#
# usage: scripts/kit/try.sh
#
# The kernel is what dpkg-deb takes out of each package, with its null_blk module, and an
# initramfs of busybox and gup-bench. There gup-bench runs twice: once it is interrupted,
# and must put the settings of huge pages back; then with small numbers, and no row may be
# absent. The table of both records is build/out/bench-kit/try/table.md. Its times mean
# nothing, above all under TCG.
#
# environment: ACCEL=kvm|tcg, CPUS=2, MEMORY=4G
# exit status: 0 it works, 1 it does not (what does not is printed), 2 cannot tell
set -eu
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
help_if_asked "$@"
# shellcheck disable=SC2034 # for qemu.sh
arch=x86_64 MEMORY=${MEMORY:-4G} CPUS=${CPUS:-2}
# shellcheck source=scripts/boot/qemu.sh
. "$top/scripts/boot/qemu.sh"
kit=$build/out/bench-kit out=$build/out/bench-kit/try
lock bench-kit
need "$qemu" qemu-system-x86; need dpkg-deb dpkg; need busybox busybox-static; need timeout coreutils
[ -x "$kit/gup-bench" ] || die "no kit in $kit: make bench-kit"
[ -x "$build/o-bench-kit/usr/gen_init_cpio" ] || die "no gen_init_cpio: make bench-kit"
busybox=$(command -v busybox)
! ldd "$busybox" >/dev/null 2>&1 || die "$busybox is not static: apt-get install busybox-static"
rm -rf "$out"
mkdir -p "$out"

# What the guest runs. The record goes through a serial port of its own, as it is.
cat >"$out/init" <<'EOT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs none /dev
mount -t proc none /proc
mount -t sysfs none /sys
mount -t debugfs none /sys/kernel/debug
exec >/dev/console 2>&1
[ ! -e /configfs.ko ] || insmod /configfs.ko
[ ! -e /null_blk.ko ] || insmod /null_blk.ko irqmode=0
settings() { cat /sys/kernel/mm/transparent_hugepage/*/enabled /sys/kernel/mm/hugepages/*/nr_hugepages; }
before=$(settings)
# When the size of folios has been set, and when a pool of hugetlb pages has been filled.
interrupt() {
	was=$(cat $2)
	gup-bench run -s 16 -r 1000 -o /interrupted &
	pid=$!
	for i in $(seq 3000); do
		[ "$(cat $2)" = "$was" ] || { echo "try: $1 changed"; break; }
		usleep 20000
	done
	kill -$3 $pid
	wait $pid
	echo "try: $1: interrupted: status $?"
	[ "$(settings)" = "$before" ] && echo "try: $1 put back"
	[ -e /interrupted ] || [ -e /interrupted.new ] || echo "try: $1: no record"
}
interrupt THP "/sys/kernel/mm/transparent_hugepage/*/enabled" INT
interrupt hugetlb "/sys/kernel/mm/hugepages/*/nr_hugepages" TERM
gup-bench run -o /record -r 3 -s 4 -m 1
echo "try: run: status $?"
[ "$(settings)" = "$before" ] && echo "try: settings put back after the run"
dmesg | grep -E '(WARNING:|BUG:|Oops)'
stty raw </dev/ttyS1
cat /record >/dev/ttyS1
reboot -f
EOT

# pack SIDE: out of its package
pack() {
	dir=$out/$1
	dpkg-deb -x "$kit"/linux-image-*-gup-"$1"_*.deb "$dir" || die "the package of the $1 cannot be unpacked"
	{
		for d in bin dev proc sys; do echo "dir /$d 0755 0 0"; done
		echo "nod /dev/console 0600 0 0 c 5 1"
		echo "file /init $out/init 0755 0 0"
		echo "file /bin/busybox $busybox 0755 0 0"
		echo "slink /bin/sh busybox 0777 0 0"
		echo "file /bin/gup-bench $kit/gup-bench 0755 0 0"
		find "$dir/lib/modules" '(' -name null_blk.ko -o -name configfs.ko ')' |
			while read -r file; do echo "file /${file##*/} $file 0644 0 0"; done
	} >"$out/$1.cpio-list"
	"$build/o-bench-kit/usr/gen_init_cpio" "$out/$1.cpio-list" >"$out/$1.cpio" || die "no initramfs: see above"
	image=$(echo "$dir"/boot/vmlinuz-*)
	[ -r "$image" ] || die "no vmlinuz in the package of the $1"
}

bad=0
expect() { grep -q -F -e "$2" "$out/$1.log" || { warn "try, $1: no \"$2\" in $out/$1.log"; bad=1; }; }

for side in base series; do
	pack "$side"
	vm_accel "$image"
	say "try: booting the package of the $side ($accel), up to 20 min"
	begin=$(date +%s)
	# 1G: a page is set aside at boot; later there would be none in one piece.
	vm_qemu "$out/$side.log" 1200 "$accel" "$image" \
		"panic=-1 quiet hugepagesz=1G hugepages=1 hugepagesz=2M hugepages=0" \
		-initrd "$out/$side.cpio" -serial "file:$out/$side.record"
	trap 'kill "$pid" 2>/dev/null || :; exit 2' INT TERM HUP
	wait "$pid" || warn "try, $side: QEMU ended with status $?"
	trap - INT TERM HUP
	for what in THP hugetlb; do
		for line in ' changed' ': interrupted: status 1' ' put back' ': no record'; do
			expect "$side" "try: $what$line"
		done
	done
	expect "$side" 'try: run: status 0'
	expect "$side" 'try: settings put back after the run'
	if grep -E -e '(WARNING:|BUG:|Oops|Kernel panic)' "$out/$side.log" >&2; then
		warn "try, $side: the kernel complained: see $out/$side.log"
		bad=1
	fi
	if ! grep -q "^# kernel	.*-gup-$side\$" "$out/$side.record"; then
		warn "try, $side: $out/$side.record is not of the kernel of the $side"
		bad=1
	fi
	if grep '^absent' "$out/$side.record" >&2; then
		warn "try, $side: rows are absent: see above"
		bad=1
	fi
	say "try: $side: $(grep -c '^row' "$out/$side.record" || :) rows, $(($(date +%s) - begin)) s"
	rm -rf "${out:?}/$side" "$out/$side.cpio" "$out/$side.cpio-list"
done
"$kit/gup-bench" table "$out/base.record" "$out/series.record" >"$out/table.md" || bad=1
[ "$bad" -eq 0 ] || { warn "the kit does not work: see above"; exit 1; }
say "try: the kit works; $out/table.md (its times mean nothing)"
