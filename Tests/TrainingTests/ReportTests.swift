import Foundation
import FoundationXML
import Telemetry
import TestSupport
import Training
import XCTest

final class ReportTests: XCTestCase {
    private func assertWellFormed(_ html: String, file: StaticString = #filePath, line: UInt = #line) {
        // Pages close every element, so that an XML parser can judge them.
        let parser = XMLParser(data: Data(html.utf8))
        XCTAssertTrue(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")", file: file, line: line)
    }

    /// The cells of the page's tables, row by row.
    private func rows(_ html: String) -> [[String]] {
        html.components(separatedBy: "<tr>").dropFirst().map { row in
            let end = row.range(of: "</tr>")?.lowerBound ?? row.endIndex
            return row[..<end].components(separatedBy: "</t").dropLast().map { cell in
                String(cell[(cell.lastIndex(of: ">").map { cell.index(after: $0) } ?? cell.startIndex)...])
            }
        }
    }

    func testPageOfAProductShowsWhatTheRunMeasured() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            XCTAssertEqual(try writeReports(of: [run.path]), "\(run.path)/report.html")
            let html = try run.text("report.html")
            assertWellFormed(html)
            let table = rows(html)
            XCTAssertEqual(table[0], ["model", "KL (nats)", "violation", "λ", "equal weights"])
            XCTAssertEqual(table[1], ["wide", "2.332", "0", "0.6347", "3.22"])
            XCTAssertEqual(table[2], ["narrow &amp; co", "2.319", "-0.0125", "0.3653", "1.146"])
            for text in [
                "✓ converged", "product · 2 models · 2-dimensional · analytic scores · 3 ranks · 1 min 15 s",
                "<dt>bound u (nats)</dt><dd>2.332</dd>", "<dt>duality gap</dt><dd>0.0046</dd>",
                "saddle compose \(run.path)/config.yaml", "score: analytic", "bound u at the end",
            ] {
                XCTAssertTrue(html.contains(text), text)
            }
        }
    }

    func testPicturesOfThePlaneAreWrittenInTheOrderOfTheConfiguration() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            _ = try writeReports(of: [run.path])
            for name in ["main", "model-1-wide", "model-2-narrow---co", "equal-weights", "result"] {
                let image = try PNGImage(
                    contentsOf: run.directory.appendingPathComponent("images/\(name).png"))
                XCTAssertGreaterThan(Set(image.pixels).count, 10, "\(name) is blank")
            }
            let html = try run.text("report.html")
            let panels = ["wide", "narrow &amp; co", "equal weights", "constrained", "means and spreads"].map
            {
                html.range(of: "aria-label=\"\($0)\"")?.lowerBound
            }
            XCTAssertFalse(panels.contains(nil))
            XCTAssertEqual(panels.compactMap { $0 }, panels.compactMap { $0 }.sorted())
        }
    }

    func testAlignmentStatesWhichWayEachThresholdBounds() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.alignment(in: parent)
            let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
            assertWellFormed(html)
            let table = rows(html)
            XCTAssertEqual(table[0], ["reward", "required", "mean reward", "violation", "λ"])
            XCTAssertEqual(table[1], ["right", "≥ 0.5", "0.49", "0.01", "0.52"])
            XCTAssertEqual(table[2], ["up", "≤ 0.25", "0.1", "-0.15", "0"])
            XCTAssertTrue(html.contains("! iteration limit"))
            XCTAssertTrue(html.contains("<dt>duality gap</dt><dd>nan</dd>"))
            XCTAssertTrue(html.contains("up ≤ 0.25"), "threshold line of the rewards chart")
        }
    }

    func testRunWithoutSummaryIsReportedAsFarAsItWent() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            for name in ["summary.json", "baselines.json", "samples.safetensors"] {
                try FileManager.default.removeItem(at: run.directory.appendingPathComponent(name))
            }
            let torn = try run.text("metrics.jsonl") + "{\"step\": 4, \"obj"
            try run.write("metrics.jsonl", torn)
            let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
            assertWellFormed(html)
            XCTAssertTrue(html.contains("! not finished"))
            XCTAssertTrue(html.contains("<dt>dual iterations</dt><dd>3</dd>"))
            // The last whole line of the metrics.
            XCTAssertEqual(rows(html)[1], ["wide", "3", "13", "23"])
            XCTAssertEqual(rows(html)[2], ["narrow &amp; co", "3.5", "13.5", "23.5"])
            XCTAssertFalse(run.has("images"))
        }
    }

    func testSquareDimensionsAreShownAsImages() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            try run.writeSamples(["samples", "equal_weights", "model/wide"], count: 20, dimension: 16)
            let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
            assertWellFormed(html)
            XCTAssertTrue(html.contains("The first 20 samples of each"))
            for name in ["wide", "equal weights", "constrained"] {
                XCTAssertTrue(html.contains("<figcaption class=\"above\">\(name)</figcaption>"), name)
            }
            let main = try PNGImage(contentsOf: run.directory.appendingPathComponent("images/main.png"))
            // Three rows of tiles of 44 pixels, 4 pixels between and around them.
            XCTAssertEqual(main.height, 3 * (44 + 4) + 4)
        }
    }

    func testOtherDimensionsAreProjectedOrDrawnAsCurves() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            for (dimension, text) in [
                (5, "first two principal components"), (1, "Densities"),
                (601, "first two of 601 coordinates"),
            ] {
                try run.writeSamples(["samples", "model/wide"], count: 30, dimension: dimension)
                let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
                assertWellFormed(html)
                XCTAssertTrue(html.contains(text), "\(dimension)")
            }
        }
    }

    func testSamplesThatAreNotFiniteDoNotStopAReport() throws {
        try withTemporaryDirectory { parent in
            for dimension in [1, 2, 5, 16] {
                let run = try RunFixture("broken-\(dimension)", in: parent)
                try run.write("config.yaml", "kind: product\n")
                try run.writeNonFiniteSamples(dimension: dimension)
                let html = try String(contentsOfFile: writeReports(of: [run.path]), encoding: .utf8)
                assertWellFormed(html)
            }
        }
    }

    func testSeveralRunsAreCompared() throws {
        try withTemporaryDirectory { parent in
            let first = try RunFixture.product(in: parent)
            let second = try RunFixture.product(in: parent, named: "again")
            let third = try RunFixture.alignment(in: parent)
            let runs = [first, second, third]
            XCTAssertEqual(
                try writeReports(of: runs.map(\.path)), "\(first.path)/comparison.html")
            for run in runs { XCTAssertTrue(run.has("report.html"), run.path) }
            let html = try first.text("comparison.html")
            assertWellFormed(html)
            let table = rows(html)
            XCTAssertEqual(table[0], ["", "planar", "again", "aligned"])
            XCTAssertTrue(table.contains(["status", "converged", "converged", "iteration limit"]))
            XCTAssertTrue(table.contains(["bound u (nats)", "2.332", "2.332", "–"]))
            XCTAssertTrue(table.contains(["right: λ", "–", "–", "0.52"]))
        }
    }

    func testOutputTakesThePageAndItsPictures() throws {
        try withTemporaryDirectory { parent in
            let run = try RunFixture.product(in: parent)
            let page = parent.appendingPathComponent("site/page.html").path
            XCTAssertEqual(try writeReports(of: [run.path], output: page), page)
            XCTAssertFalse(run.has("report.html"))
            XCTAssertFalse(run.has("images"))
            for name in ["site/page.html", "site/images/main.png"] {
                let path = parent.appendingPathComponent(name).path
                XCTAssertTrue(FileManager.default.fileExists(atPath: path), name)
            }
        }
    }
}
