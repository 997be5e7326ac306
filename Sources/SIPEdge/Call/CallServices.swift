import Logging
import Media
import NIOCore
import SIPCore

/// What a call needs of the edge around it.
struct CallServices {
    let loop: any EventLoop
    let driver: TransactionDriver
    let dialogs: DialogTable
    let media: MediaEngine
    let greeting: Prompt
    let configuration: EdgeConfiguration
    let meta: MetaTrunk
    let challenge: MetaChallenge
    let ids: IDSource
    let timing: Timing
    let counters: EdgeCounters
    let log: CallLog

    func localAudio(_ address: MediaAddress, host: String) -> LocalAudio {
        LocalAudio(
            address: host, port: address.port, sessionID: UInt64.random(in: 1...UInt64(UInt32.max)),
            ssrc: UInt32.random(in: 1...UInt32.max), cname: ids.next(), masterKeyAndSalt: SecureRandom.octets(30))
    }
}
