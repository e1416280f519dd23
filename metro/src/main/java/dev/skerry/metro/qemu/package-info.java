/** Sandboxes as micro-VMs of QEMU: one process each, one door each, their memory in a file while they stand by. */
@NullMarked
package dev.skerry.metro.qemu;

import org.jspecify.annotations.NullMarked;
