import Checkpoints
import Foundation

/// What was done and how starts ended.
struct Tally {
    /// Starts that were hit, and files that were damaged between starts.
    private(set) var disturbances = 0
    /// Runs that came to their end.
    private(set) var finished = 0
    /// Runs whose checkpoints were all destroyed, and that refused to go on as they should.
    private(set) var refused = 0
    /// How often each disturbance led to which exit code.
    private var endings: [String: [Int32: Int]] = [:]
    private var damages: [String: Int] = [:]
    /// Those at which a process died.
    private var crashPoints: Set<CrashPoint> = []

    mutating func count(_ attack: Attack, _ exitCode: Int32) {
        disturbances += 1
        endings[attack.disturbance.rawValue, default: [:]][exitCode, default: 0] += 1
        if attack.disturbance == .crashPoint { crashPoints.insert(attack.crashPoint) }
    }

    mutating func count(_ damage: Damage) {
        disturbances += 1
        damages[damage.rawValue, default: 0] += 1
    }

    mutating func countFinished() { finished += 1 }
    mutating func countRefused() { refused += 1 }

    mutating func add(_ other: Tally) {
        disturbances += other.disturbances
        finished += other.finished
        refused += other.refused
        damages.merge(other.damages, uniquingKeysWith: +)
        crashPoints.formUnion(other.crashPoints)
        endings.merge(other.endings) { $0.merging($1, uniquingKeysWith: +) }
    }

    /// For people.
    var table: String {
        let struck = endings.sorted { $0.key < $1.key }.map { name, codes in
            let ends = codes.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }
            return (name, codes.values.reduce(0, +), ends.joined(separator: ", "))
        }
        let damaged = damages.sorted { $0.key < $1.key }.map { ("\($0.key) between starts", $0.value, "") }
        let lines = (struck + damaged).map { name, count, ends in
            name.padding(toLength: 32, withPad: " ", startingAt: 0) + String(format: "%6d  ", count) + ends
        }
        let head = "disturbance                      count  exit codes"
        let ends = "\(finished) runs finished, \(refused) with all checkpoints destroyed refused to go on"
        let points = "\(crashPoints.count) of \(CrashPoint.allCases.count) crash points hit"
        return ([head] + lines + [points, ends]).joined(separator: "\n")
    }
}
