// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which Go gohttp is written for: its defaults are those of that version, above all
// that a listener is an MPTCP one (since 1.24). Without a module they are those of 1.20.
module gohttp

go 1.24
