import Media
import SIPEdge
import Simulators

/// What a person reads after `ibis call` and `ibis demo`.
struct CallSummary {
    private let report: WhatsAppCallReport
    /// Whom the other side is called: `the business`, `the user`.
    private let other: String

    init(_ report: WhatsAppCallReport, other: String = "the business") {
        self.report = report
        self.other = other
    }

    /// 0 talked and heard something, 1 refused or not answered, 2 nothing heard, 3 no connection.
    var exitCode: Int32 {
        switch report.outcome {
        case .talked: report.statistics.packetsReceived > 0 ? 0 : 2
        case .refused, .gaveUp: 1
        case .unusableAnswer, .silent: 2
        case .failed: 3
        }
    }

    var text: String {
        var lines = ["outcome   \(outcome)"]
        let times = [("100", report.trying), ("180", report.ringing), ("200", report.answered)]
            .compactMap { name, time in time.map { "\(name) after \(Self.milliseconds($0))" } }
        if !times.isEmpty { lines.append("set-up    " + times.joined(separator: ", ")) }
        switch report.outcome {
        case .talked, .silent: lines += media
        case .refused, .gaveUp, .failed, .unusableAnswer: break
        }
        lines += report.violations.map { "rule      broken: \($0)" }
        return lines.joined(separator: "\n")
    }

    private var outcome: String {
        switch report.outcome {
        case .talked(let byUs): byUs ? "talked; we hung up" : "talked; \(other) hung up"
        case .refused(let status, let reason, let warning):
            "refused: \(status) \(reason)" + (warning.map { " - \($0)" } ?? "")
        case .gaveUp: "not answered; we gave up"
        case .failed(let why): "failed: \(why)"
        case .unusableAnswer(let why): "answered, but what it said of media cannot be used: \(why)"
        case .silent(let afterMedia):
            afterMedia
                ? "Meta hung up: no RTP and no RTCP of the business for 30 s"
                : "Meta hung up: nothing was heard of the business for 20 s; it must send first"
        }
    }

    private var media: [String] {
        let statistics = report.statistics
        var lines: [String] = []
        if let first = report.firstMedia {
            lines.append("first     packet \(Self.milliseconds(first)) after our ACK")
        } else {
            lines.append(
                other == "the business"
                    ? "first     nothing was heard: Meta would end this call after 20 s"
                    : "first     nothing was heard")
        }
        lines.append(
            "packets   \(statistics.packetsSent) sent, \(statistics.packetsReceived) received, "
                + "\(statistics.lost) lost, jitter \(Self.decimal(statistics.jitter)) ms"
                + (statistics.roundTrip.map { ", round trip \(Self.milliseconds($0))" } ?? ""))
        if let heard = report.heard, !heard.samples.isEmpty {
            let tone = ToneAnalysis.analyse(heard.samples, rate: 48_000)
            lines.append(
                "heard     \(Self.decimal(Double(heard.samples.count) / 48_000)) s, "
                    + "strongest \(Self.decimal(tone.peakHz)) Hz, level \(Self.decimal(tone.levelDBFS)) dBFS")
        }
        if !report.digitsHeard.isEmpty { lines.append("digits    \(report.digitsHeard)") }
        return lines
    }

    /// The messages as arrows between the two sides.
    func ladder(near: String = "WhatsApp user", far: String) -> String {
        let width = 60
        var lines = [near + String(repeating: " ", count: max(width - near.count - far.count, 1) + 10) + far]
        for line in report.ladder {
            let time = Self.milliseconds(line.time)
            let padding = String(repeating: " ", count: max(10 - time.count, 1))
            let dashes = String(repeating: "-", count: max(width - line.text.count - 6, 2))
            lines.append(padding + time + (line.isSent ? "  \(line.text) \(dashes)>" : "  <\(dashes) \(line.text)"))
        }
        return lines.joined(separator: "\n")
    }

    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return decimal(Double(seconds) * 1_000 + Double(attoseconds) / 1e15) + " ms"
    }

    static func decimal(_ value: Double) -> String {
        let tenths = (value * 10).rounded() / 10
        return tenths.magnitude < 1e15 ? "\(tenths)" : "?"
    }
}
