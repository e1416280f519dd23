package dev.skerry.controlplane.broker;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/** Finds the addresses of a host. */
interface Resolver {
    List<InetAddress> lookup(String host) throws UnknownHostException;
}
