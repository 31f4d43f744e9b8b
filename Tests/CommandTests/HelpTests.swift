import Foundation
import TestSupport
import XCTest

/// What the command says of itself.
final class HelpTests: CommandTestCase {
    func testCommands() throws {
        let result = try workspace.saddle(["--help"])
        XCTAssertEqual(result.exitCode, 0)
        let commands = result.standardOutput.components(separatedBy: "SUBCOMMANDS:").last ?? ""
        let names = commands.split(separator: "\n").filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first }.map(String.init)
        XCTAssertEqual(
            names.filter { $0 != "See" },
            [
                "align", "compose", "pretrain", "sample", "tokenize", "score", "report", "inspect", "verify",
                "export", "doctor", "bench",
            ])
        for code in ["0", "64", "65", "66", "70", "73/74", "75", "78"] {
            XCTAssertTrue(result.standardOutput.contains("\n  \(code) "), code)
        }
    }

    func testUsageLines() throws {
        let training =
            "<config> [--set <key=value> ...] [--output <output>] [--resume <latest|auto|DIR>] [--steps <steps>]"
        for (command, usage) in [
            ("align", training + " [--trace <file>] [--dry-run] [--ranks <ranks>]"),
            ("compose", training + " [--trace <file>] [--dry-run] [--ranks <ranks>]"),
            ("pretrain", training),
            ("inspect", "<checkpoint>"),
            ("verify", "<checkpoint>"), ("export", "<checkpoint> --format <format> --output <file>"),
            ("report", "<run> ... [--output <file>]"),
            ("sample", "[<options>] --output <output>"),
            (
                "score",
                "--reward <name[=weights]> ... --image <file> ... [--prompt <text> ...]"
            ),
        ] {
            let help = try workspace.saddle([command, "--help"]).standardOutput
            XCTAssertTrue(help.contains("USAGE: saddle \(command) \(usage)\n"), help)
        }
    }

    /// The configurations that help texts and documents name are there, and load.
    func testExamplesOfTheHelpExist() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for command in ["align", "compose", "pretrain"] {
            let help = try workspace.saddle([command, "--help"]).standardOutput
            let example = try XCTUnwrap(help.firstMatch(of: /examples\/[a-z\/-]+\.yaml/), help)
            let path = root.appendingPathComponent(String(example.0)).path
            XCTAssertTrue(FileManager.default.fileExists(atPath: path), path)
        }
    }

    func testVersion() throws {
        let version = try workspace.saddle(["--version"]).standardOutput
        XCTAssertNotNil(version.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+\n/), version)
    }
}
