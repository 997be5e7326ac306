import Foundation
import Testing

@testable import Ibis

@Suite("Reminders of a certificate's end") struct ExpiryWatchTests {
    private let expires = Date(timeIntervalSince1970: 1_800_000_000)

    private func at(daysLeft: Double) -> Date { expires.addingTimeInterval(-daysLeft * 86_400) }

    @Test func onceAtEachMark() {
        var watch = ExpiryWatch()
        var told: [Int] = []
        for hour in stride(from: 24 * 30, through: -24, by: -1) {
            let left = Double(hour) / 24
            if watch.notice(expires: expires, now: at(daysLeft: left)) != nil { told.append(Int(left)) }
        }
        #expect(told == [21, 7, 3, 1, 0])
    }

    @Test(arguments: [
        (20.5, false, "expires in 20 days"), (2.5, true, "expires in 2 days"), (1.0, true, "expires in 1 day"),
        (0.5, true, "in less than a day"), (-1, true, "has expired on"),
    ])
    func words(left: Double, urgent: Bool, text: String) throws {
        var watch = ExpiryWatch()
        let said = watch.notice(expires: expires, now: at(daysLeft: left))
        let notice = try #require(said)
        #expect(notice.isUrgent == urgent)
        #expect(notice.text.contains(text))
    }

    @Test func renewalBeginsAnew() {
        var watch = ExpiryWatch()
        let renewed = expires.addingTimeInterval(90 * 86_400)
        let said = [expires, expires, renewed, expires].map { watch.notice(expires: $0, now: at(daysLeft: 2)) != nil }
        #expect(said == [true, false, false, true])
    }
}
