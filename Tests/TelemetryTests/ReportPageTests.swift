import Foundation
import Telemetry
import XCTest

#if canImport(FoundationXML)
    import FoundationXML
#endif

final class ReportPageTests: XCTestCase {
    /// With `SADDLE_GALLERY` set to a directory, leaves the sample page there to be looked at.
    func testSamplePageIsWhole() throws {
        let page = try SampleReport.page()
        let html = try page.html()
        if let gallery = ProcessInfo.processInfo.environment["SADDLE_GALLERY"] {
            try page.write(to: URL(fileURLWithPath: gallery).appendingPathComponent("report.html"))
        }
        XCTAssertLessThan(html.utf8.count, 400_000)
    }
}
