#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Workloads by executable and its SHA-256: the right file and no other, what goes on
# to run when the file is replaced, what a change of the file and its owner does, that
# another image in the same device is another file, whose layers an overlay may have, and
# that a file system that is mounted nowhere lends nobody a path.
# timeout: 600
# seconds: 200
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_begin
document h2 web.yaml <<'Y'
apiVersion: weft/v1
kind: Workload
metadata: {name: web}
spec: {selectors: [{unit: web.service}]}
Y
chmod a+x "$T"
dir=/opt/weft-executables # weftd has a /tmp of its own
mkdir -p "$dir"
mount -t tmpfs -o mode=755 tmpfs "$dir" # the guest's root is an overlay
loop=
tidy() {
    local rc=$? m
    for m in "$dir"/*/; do ! mountpoint -q "$m" || umount "$m"; done
    [ -z "$loop" ] || losetup -d "$loop"
    umount -l "$dir"
    rmdir "$dir"
    return $rc
}
trap 'tidy; e2e_end' EXIT
app=$dir/run
# version N: a program of its own, as an upgrade brings it; $hash is what it has
version() {
    { cat /usr/bin/bash; echo "$1"; } >"$app.new"
    mv "$app.new" "$app.staged"
    chmod 755 "$app.staged"
    touch -d '1 hour ago' "$app.staged"
    hash=$(sha256sum "$app.staged" | cut -d' ' -f1)
}
install_version() { version "$1" && mv "$app.staged" "$app"; }
# by_hash HASH...: which versions are the workload
by_hash() {
    local h
    document h1 app.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: app}
spec:
  selectors:
$(for h; do printf -- '  - {executable: %s, sha256: "%s"}\n' "$app" "$h"; done)
---
apiVersion: weft/v1
kind: Service
metadata: {name: web}
spec:
  addresses: [240.0.0.1]
  ports: [{port: 9001}]
  endpoints: [{address: 10.77.0.2}]
Y
}
install_version 1
one=$hash
by_hash "$one"
start_app web h2 9001 python3 -SE "$E2E/dial.py" server tell:9001

call='exec 3<>/dev/tcp/240.0.0.1/9001 && read -r _ <&3'
last() { conns h2 | jq -sc 'max_by(.id) | [.id, .peer_identity]'; }
is_app() { # NAME CMD...: a new connection, of the workload's
    local before out
    before=$(last)
    out=$("${@:2}" 2>&1) || note "$out"
    note "$before $(last)"
    equal "$1" spiffe://mesh.local/app "$(last | jq -r '.[1]')"
    refute "$1: a new one" [ "$before" = "$(last)" ]
}
none() { # NAME CMD...
    contains "$1" "/dev/tcp/240.0.0.1/9001: Permission denied" "$("${@:2}" 2>&1)"
}
start() { run_as "x$RANDOM" h1 "$1" -c "$call"; }
# What runs on: calls once for each file it is told by.
run_as_bg lasting h1 "$app" -c "for n in 1 2 3 4; do
        until [ -e $T/go\$n ]; do sleep 0.1; done
        { $call; } 2>$T/said\$n; exec 3>&-; echo >$T/did\$n
    done"
lasting() { # calls, and says what it said
    local n=1
    while [ -e "$T/go$n" ]; do n=$((n + 1)); done
    touch "$T/go$n"
    wait_for 60 test -e "$T/did$n" || not_ok "what runs on calls"
    cat "$T/said$n"
}

is_app "the file with the hash" start "$app"
is_app "and what runs already" lasting
none "another file is none" start /usr/bin/bash
cp -p "$app" "$dir/copy"
none "nor the same one elsewhere" start "$dir/copy"
check "all is well" wait_for 20 untroubled h1
equal "the module tells which file it is" \
    "$one $(stat -c '%s' "$app") $(stat -c %i "$app")" \
    "$(weftctl_in h1 -j workload show app | jq -r '.[].selectors[] | "\(.sha256) \(.exe_size) \(.exe_inode)"')"

# --- an upgrade
install_version 2
two=$hash
none "another version is none" start "$app"
is_app "what runs on is what it was" lasting
check "weftctl status tells" wait_for 20 troubled h1 \
    "^workload app: executable $app: its SHA-256 is $two, not $one\$"
by_hash "$one" "$two"
is_app "with its hash it is" start "$app"
is_app "so is what runs on" lasting
check "all is well" wait_for 20 untroubled h1

# --- one that is announced
version 3
three=$hash
by_hash "$one" "$two" "$three"
sleep 6 # there was no trouble before, and it would be late
check "all is well before it is there" untroubled h1
before=$(generation h1)
mv "$app.staged" "$app"
check "and it is noticed" wait_for 30 _newer h1 "$before"
is_app "it is at once" start "$app"
is_app "so is what has run all the time" lasting

# --- changes of the file
cp --preserve=timestamps "$app" "$dir/saved"
echo changed >>"$app"
none "a file that was written to is none" start "$app"
before=$(generation h1)
cat "$dir/saved" >"$app"
check "that it has what it had is noticed" wait_for 30 _newer h1 "$before"
is_app "then it is again" start "$app"
chown 3001 "$app"
none "not if it is somebody else's" start "$app"
check "weftctl status tells" wait_for 20 troubled h1 \
    "^workload app: executable $app: it can be written to by others than root"
chown 0 "$app"
chmod g+w "$app"
none "nor if others can write to it" start "$app"
chmod g-w "$app"
is_app "as soon as they cannot, it is" start "$app"

# --- a unit that is locked up: systemd mounts everything nosuid for it
is_app "in a unit without privileges it is, too" \
    systemd-run -q --collect --wait --pipe -p NetworkNamespacePath=/run/netns/h1 \
    -p NoNewPrivileges=yes -p ProtectSystem=strict -- "$app" -c "$call"

# --- what takes for ever to be read keeps nobody from anything
truncate -s 1T "$dir/huge" # nothing but a hole
chmod 755 "$dir/huge"
touch -d '1 hour ago' "$dir/huge"
pid=$(weftd_pid h1)
began=$SECONDS
document h1 huge.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: huge}
spec: {selectors: [{executable: $dir/huge, sha256: "$one"}]}
Y
is_app "documents do not wait for it" start "$app"
check "weftctl status tells" wait_for 20 troubled h1 \
    "^workload huge: executable $dir/huge: it has not been read yet"
# longer than its watchdog has patience
sleep $((began + 25 - SECONDS > 0 ? began + 25 - SECONDS : 0))
equal "the daemon lives on" "$pid" "$(weftd_pid h1)"
check "and so does what it gave out" start "$app"
# Nor, when nobody wants it any more, from anything else, and when it is to end from that.
check "weftctl status tells of one that takes long" wait_for 40 troubled h1 \
    "^executable $dir/huge takes long to be read; no other is looked at meanwhile"
touch -d '2 hours ago' "$app"
document_gone h1 huge.yaml
is_app "as soon as nobody wants it the others are looked at again" start "$app"
check "and all is well" wait_for 20 untroubled h1
document h1 huge.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: huge}
spec: {selectors: [{executable: $dir/huge, sha256: "$one"}]}
Y
check "it ends meanwhile" systemctl restart weftd@h1
none_of() { ! journal -u weftd@h1 -o cat | grep -E "$1"; }
check "by itself" none_of 'timed out|Killing|dumped'
document_gone h1 huge.yaml
rm "$dir/huge"
is_app "and the next one reads anew" start "$app"

# --- what the module does not take keeps no document from coming into force: a file
# that looks as if it were root's
mkdir "$dir/theirs" "$dir/mapped"
mount -t tmpfs -o mode=755 tmpfs "$dir/theirs"
cp -p "$app" "$dir/theirs/run"
chown 3001:3001 "$dir/theirs/run" "$dir/theirs"
code=0
python3 -SE "$E2E/idmap.py" "$dir/theirs" "$dir/mapped" 3001 || code=$?
if [ $code = 3 ]; then
    note "no idmapped mounts of tmpfs on $KVER"
else
    equal "it looks like root's" "0 $three" "$(stat -c %u "$dir/mapped/run") $(sha256sum "$dir/mapped/run" | cut -d' ' -f1)"
    document h1 mapped.yaml <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: mapped}
spec:
  selectors:
  - {executable: $dir/mapped/run, sha256: "$three"}
  - {executable: $dir/copy, sha256: "$one"}
Y
    check "weftctl status tells" wait_for 20 troubled h1 \
        "^workload mapped: executable $dir/mapped/run: .*can be written to by others than root"
    none "it is none" start "$dir/mapped/run"
    start "$dir/copy"
    equal "another one of the workload is known all the same" spiffe://mesh.local/mapped "$(last | jq -r '.[1]')"
    before=$(generation h1)
    sleep 11
    equal "the module is not bothered with it again" "$before" "$(generation h1)"
    check "what is refused does not stay open" umount "$dir/mapped"
    document_gone h1 mapped.yaml
fi
umount "$dir/theirs"

# --- overlays: what their layers are
# by_path NAME PATH HASH
by_path() {
    document h1 "$1.yaml" <<Y
apiVersion: weft/v1
kind: Workload
metadata: {name: $1}
spec: {selectors: [{executable: $2, sha256: "$3"}]}
Y
}
is_of() { start "$2" && last | grep -q "\"spiffe://mesh.local/$1\""; } # NAME PATH
mkdir "$dir/lo:wer" "$dir/up per" "$dir/work" "$dir/over"
cp -p "$dir/copy" "$dir/lo:wer/run"
mount -t overlay -o "lowerdir=$dir/lo\\:wer,upperdir=$dir/up per,workdir=$dir/work" overlay "$dir/over"
by_path over "$dir/over/run" "$one"
check "an executable of an overlay is known" is_of over "$dir/over/run"
check "and all is well" wait_for 20 untroubled h1
umount "$dir/over"
document_gone h1 over.yaml
by_path root /usr/bin/env "$one"
check "one whose layers are not to be found here is none" wait_for 20 troubled h1 \
    "^workload root: executable /usr/bin/env: it is on an overlay, .*: /lower: No such file"
document_gone h1 root.yaml

# --- another image in the same loop device, with a file that looks the same
# image N: with version N; $hash is what that has
image() {
    mkdir "$dir/tree"
    version "$1"
    mv "$app.staged" "$dir/tree/run"
    truncate -s 16M "$dir/$1.img"
    mkfs.ext4 -q -F -I 128 -d "$dir/tree" "$dir/$1.img" 2>"$T/mkfs" || note "$(cat "$T/mkfs")"
    for t in mtime ctime; do
        debugfs -w -R "set_inode_field run $t 20200101000000" "$dir/$1.img" 2>"$T/debugfs"
    done
    rm -r "$dir/tree"
}
swap_to() { # N
    ! mountpoint -q "$dir/disk" || umount "$dir/disk"
    losetup -d "$loop"
    wait_for 20 losetup -r "$loop" "$dir/$1.img" 2>/dev/null && mount -o ro "$loop" "$dir/disk"
}
looks() { stat -c '%d %i %s %Y %Z' "$dir/disk/run"; }
mkdir "$dir/disk"
image 4
four=$hash
image 5
five=$hash
modprobe loop
loop=$(losetup -r -f --show "$dir/4.img")
mount -o ro "$loop" "$dir/disk"
by_path disk "$dir/disk/run" "$four"
check "an executable in an image is known" is_of disk "$dir/disk/run"
looked=$(looks)
swap_to 4
equal "the image is back in its device" "$looked" "$(looks)"
check "so is its executable, soon" wait_for 30 is_of disk "$dir/disk/run"
swap_to 5
equal "another image has one that looks the same" "$looked" "$(looks)"
none "it is none" start "$dir/disk/run"
check "weftctl status tells" wait_for 20 troubled h1 \
    "^workload disk: executable $dir/disk/run: its SHA-256 is $five, not $four"
none "it is none then, too" start "$dir/disk/run"
umount "$dir/disk"
document_gone h1 disk.yaml

# --- by command
check "by command, too" weftctl_in h1 workload add cmd identity spiffe://mesh.local/cmd \
    exe "$dir/copy" sha256 "$one"
is_cmd() { start "$dir/copy" && last | grep -q '"spiffe://mesh.local/cmd"'; }
check "it is that" is_cmd
contains "not with another hash" "weftctl: workload \"cmd\": executable $dir/copy: its SHA-256 is $one, not $two" \
    "$(weftctl_in h1 workload replace cmd identity spiffe://mesh.local/cmd exe "$dir/copy" sha256 "$two" 2>&1)"
check "and it is what it was" is_cmd
check "with the path alone" weftctl_in h1 workload replace cmd identity spiffe://mesh.local/cmd exe "$dir/mnt/copy"

# --- where it is mounted
mkdir "$dir/mnt"
mount -t tmpfs tmpfs "$dir/mnt"
cp -p "$dir/copy" "$dir/mnt/copy"
is_mounted() { start "$dir/mnt/copy" && last | grep -q '"spiffe://mesh.local/cmd"'; }
check "a path on what is mounted is one" is_mounted
mount -o remount,nosuid,nodev "$dir/mnt"
check "whatever its flags" is_mounted
# What is mounted nowhere has whatever path there is in it: a user can make it so
# with what fusermount mounts for him.
mkdir -p "$dir/mnt$dir/mnt"
cp -p "$dir/copy" "$dir/mnt$dir/mnt/copy"
exec 9<"$dir/mnt$dir/mnt"
umount -l "$dir/mnt"
contains "what is mounted nowhere can be started" yes "$("/proc/$$/fd/9/copy" -c 'echo yes' 2>&1)"
none "it is none" start "/proc/$$/fd/9/copy"
exec 9<&-
