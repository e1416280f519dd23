package dev.skerry.controlplane.credential;

import java.util.List;

/** A credential that was opened for one request; it does not print. */
public record Credential(String name, String value, Injection injection, List<Rule> rules) {
    @Override
    public String toString() {
        return "Credential[" + name + "]";
    }
}
