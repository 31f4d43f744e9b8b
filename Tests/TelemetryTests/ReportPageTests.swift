import Foundation
import FoundationXML
import Telemetry
import XCTest

final class ReportPageTests: XCTestCase {
    private func assertWellFormed(_ html: String, file: StaticString = #filePath, line: UInt = #line) {
        // Our HTML closes every element, so that an XML parser can judge it.
        let parser = XMLParser(data: Data(html.utf8))
        XCTAssertTrue(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")", file: file, line: line)
    }

    /// With `SADDLE_GALLERY` set to a directory, the sample page stays there to be looked at.
    func testSamplePageIsWholeAndSelfContained() throws {
        let page = try SampleReport.page()
        let html = try page.html()
        assertWellFormed(html)
        let foreign = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
        for forbidden in ["http:", "https:", "<script", "<link", "@import", "url(", "src=\"/"] {
            XCTAssertFalse(foreign.contains(forbidden), forbidden)
        }
        XCTAssertLessThan(html.utf8.count, 250_000)
        if let gallery = ProcessInfo.processInfo.environment["SADDLE_GALLERY"] {
            try page.write(to: URL(fileURLWithPath: gallery).appendingPathComponent("report.html"))
        }
    }

    func testTextIsEscapedEverywhere() throws {
        let evil = "</pre></style><script>alert('1')</script>&\"\u{0}"
        let image = PNGImage(width: 1, height: 1, fill: .black)
        let page = ReportPage(
            title: evil, subtitle: evil, status: ReportStatus(evil, tone: .bad),
            sections: [
                ReportSection(
                    evil,
                    [
                        .paragraph(evil), .figures([ReportFigure(name: evil, value: evil, note: evil)]),
                        .table(ReportTable(caption: evil, header: [evil], rows: [[evil]])),
                        .charts([LineChart(title: evil, series: [.init(name: evil, x: [0], y: [0])]).svg()]),
                        .panels([], caption: evil), .picture(image, caption: evil),
                        .pictureRows([ReportPicture(name: evil, image: image)]),
                        .verbatim(evil, caption: evil),
                    ])
            ],
            footer: evil)
        let html = try page.html()
        assertWellFormed(html)
        XCTAssertFalse(html.contains("<script"))
        XCTAssertFalse(html.contains("\u{0}"))
        XCTAssertTrue(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{FFFD}"))
    }

    func testComparisonHasAColumnPerRunAndARowPerFigure() {
        let table = ReportTable.comparison(runs: [
            ("a", [("status", "converged"), ("bound", "5.2")]), ("b", [("bound", "7.9"), ("seconds", "12")]),
        ])
        XCTAssertEqual(table.header, ["", "a", "b"])
        XCTAssertEqual(
            table.rows, [["status", "converged", "–"], ["bound", "5.2", "7.9"], ["seconds", "–", "12"]])
    }

    func testNumbersAreSetToTheRight() throws {
        let table = ReportTable(
            header: ["name", "value", "mixed"],
            rows: [["a", "1.5", "1"], ["b", ReportTable.missing, "x"], ["c", "-2e-3", "2"]])
        let html = try ReportPage(title: "t", sections: [ReportSection("s", [.table(table)])]).html()
        XCTAssertTrue(html.contains("<th>name</th><th class=\"number\">value</th><th>mixed</th>"), html)
        XCTAssertTrue(html.contains("<td>b</td><td class=\"number\">–</td><td>x</td>"), html)
    }

    func testPageIsWrittenWholeOrTheDirectoryIsNamed() throws {
        let page = ReportPage(title: "t", sections: [])
        try withTemporaryDirectory { directory in
            let url = directory.appendingPathComponent("report.html")
            try page.write(to: url)
            XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), try page.html())
        }
        XCTAssertThrowsError(try page.write(to: URL(fileURLWithPath: "/nonexistent/report.html"))) { error in
            guard case .cannotWrite(path: "/nonexistent/report.html", _) = error as? TelemetryError else {
                return XCTFail("\(error)")
            }
        }
    }

    func testErrorsSayWhatWhereAndWhatToDo() {
        let errors: [TelemetryError] = [
            .cannotWrite(path: "/a", reason: "why"), .cannotRead(path: "/a", reason: "why"),
            .columnsChanged(path: "/a", expected: "why"), .damagedImage(source: "/a", reason: "why"),
        ]
        for error in errors {
            XCTAssertTrue("\(error)".contains("/a") && "\(error)".contains("why"), "\(error)")
            XCTAssertGreaterThan("\(error)".split(separator: " ").count, 8, "\(error)")
        }
    }
}
