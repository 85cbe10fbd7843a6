/**
 * Public addresses: which addresses of the Internet's protocol belong to machines that anybody may reach. Pure.
 *
 * Invariant: what is not known to be public is not: of IPv6 only what is given out for the public network (`2000::/3`) and is not a form of
 * something else.
 */
import { BlockList, isIP, isIPv4 } from "node:net";

/** Of IPv4: this network and machine, private and shared ones, link-local (cloud metadata), documentation, benchmarks, multicast, reserved. */
const NOT_PUBLIC_4: readonly (readonly [network: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of `2000::/3`: protocol assignments (Teredo among them), documentation, and 6to4, which has an IPv4 address in it. */
const NOT_PUBLIC_6: readonly (readonly [network: string, bits: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const notPublic = new BlockList();
for (const [network, bits] of NOT_PUBLIC_4) notPublic.addSubnet(network, bits, "ipv4");
for (const [network, bits] of NOT_PUBLIC_6) notPublic.addSubnet(network, bits, "ipv6");
const givenOut = new BlockList();
givenOut.addSubnet("2000::", 3, "ipv6");

/** `address`: as a resolver gives it. What is no address is not public. */
export function isPublicAddress(address: string): boolean {
  // A zone means an address of this link.
  if (isIP(address) === 0 || address.includes("%")) return false;
  if (isIPv4(address)) return !notPublic.check(address, "ipv4");
  return givenOut.check(address, "ipv6") && !notPublic.check(address, "ipv6");
}
