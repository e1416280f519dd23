package dev.skerry.activities.unikraft;

import java.time.Duration;

/**
 * One account in one metro, and what its VMs are made of.
 *
 * @param url of the metro's API, with or without {@code /v1}
 * @param token the account's secret
 * @param image name or digest of the sandbox image
 * @param memoryMb memory of a VM in MiB
 * @param vcpus virtual CPUs of a VM
 * @param autokill after this long stopped, the metro deletes a VM by itself
 * @param templateAge how old a template may become that VMs are cloned from; zero for none, so that every VM boots cold
 */
public record UnikraftSettings(
        String metro,
        String url,
        String token,
        String image,
        int memoryMb,
        int vcpus,
        Duration autokill,
        Duration templateAge) {
    /** Without templates. */
    public UnikraftSettings(
            String metro, String url, String token, String image, int memoryMb, int vcpus, Duration autokill) {
        this(metro, url, token, image, memoryMb, vcpus, autokill, Duration.ZERO);
    }

    @Override
    public String toString() {
        return "UnikraftSettings[" + metro + ", " + url + ", " + image + "]";
    }
}
