import Media
import SIPEdge
import WabaBridge

/// What each component gets of the configuration.
extension Configuration {
    func edge(_ certificate: ServerCertificate, announced: AnnouncedAddress) -> EdgeConfiguration {
        EdgeConfiguration(
            hostname: sip.hostname, tlsAddress: sip.tlsAddress, tlsPort: sip.tlsPort, peerAddress: sip.peerAddress,
            peerPort: sip.peerPort, certificateFile: certificate.certificateFile, privateKeyFile: certificate.keyFile,
            trustedRanges: trustedRanges(isSelfMade: certificate.isSelfMade), mediaAddress: announced.address,
            peerMediaAddress: media.peerAddress,
            meta: MetaTrunkConfiguration(
                domain: meta.domain, host: meta.host, port: meta.port, trustRootsFile: meta.trustRoots),
            greetingFile: greeting, limits: limits, loggedCalls: log.calls,
            hep: hep.host.map {
                HEPConfiguration(
                    host: $0, port: hep.port, captureID: UInt32(clamping: hep.captureID), password: hep.password)
            })
    }

    /// A machine with a self-made certificate serves no real calls, so the calls of `ibis call` on it are let in. With a
    /// real one they are not: a proxy on this machine would carry strangers past the ranges.
    func trustedRanges(isSelfMade: Bool) -> [CIDR] {
        if let ranges = sip.trustedRanges { return ranges }
        return MetaRanges.published + (isSelfMade ? ["127.0.0.0/8", "::1/128"].compactMap(CIDR.init) : [])
    }

    var mediaEngine: MediaConfiguration {
        MediaConfiguration(
            workers: media.workers, bindAddress: media.address,
            // The loader has checked that low is below high.
            ports: media.portLow...max(media.portLow, media.portHigh), maxLegs: limits.calls * 2)
    }

    var consolePort: WabaBridge.Console.Configuration {
        .init(address: console.address, port: Int(console.port))
    }

    /// Legs that the port range has room for.
    var legsInPortRange: Int { (Int(media.portHigh) - Int(media.portLow) + 1) / 2 }

    /// Sentences about settings that are allowed but look like a mistake.
    func advice() -> [String] {
        var advice: [String] = []
        if legsInPortRange < limits.calls * 2 {
            advice.append(
                "limits.calls (\(limits.calls)) may need \(limits.calls * 2) RTP port pairs, and media.portLow…portHigh "
                    + "has \(legsInPortRange): widen the range, or lower limits.calls.")
        }
        if !["127.0.0.1", "::1"].contains(console.address) {
            advice.append(
                "console.address is \(console.address): the console has no login yet, so keep strangers away.")
        }
        return advice
    }
}
