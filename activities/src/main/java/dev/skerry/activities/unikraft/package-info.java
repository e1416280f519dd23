/** Sandboxes as micro-VMs of a Unikraft Cloud metro, over its REST API. */
@NullMarked
package dev.skerry.activities.unikraft;

import org.jspecify.annotations.NullMarked;
