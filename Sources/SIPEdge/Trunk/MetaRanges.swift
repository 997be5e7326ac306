/// Meta's published addresses (AS32934), as a starting point for `sip.trustedRanges`.
///
/// Source: meta-calling §5.5, collapsed IPv4 list of 2024-12-11 (unchanged in a refresh of 2026-09-11), and the IPv6
/// allocation that its media addresses come from. The list moves: Meta names
/// `whois -h whois.radb.net -- '-i origin AS32934'` as its source. Being in it is no authentication.
public enum MetaRanges {
    /// The signalling source seen in Meta's samples; it lies inside 69.171.224.0/19.
    public static let signalling = ["69.171.251.0/24"]

    public static let publishedText = [
        "31.13.24.0/21", "31.13.64.0/18", "45.64.40.0/22", "57.141.0.0/21", "57.141.8.0/22", "57.141.12.0/23",
        "57.144.0.0/14", "66.220.144.0/20", "69.63.176.0/20", "69.171.224.0/19", "74.119.76.0/22", "102.132.96.0/20",
        "103.4.96.0/22", "129.134.0.0/16", "147.75.208.0/20", "157.240.0.0/16", "163.70.128.0/17", "163.77.128.0/17",
        "173.252.64.0/18", "179.60.192.0/22", "185.60.216.0/22", "185.89.216.0/22", "204.15.20.0/22", "2a03:2880::/32",
    ]

    public static let published: [CIDR] = (signalling + publishedText).compactMap(CIDR.init)
}
