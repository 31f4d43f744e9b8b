/// The candidate that a misspelled or shortened word was probably meant to be; nil if none is near.
package func nearestMatch(to word: String, among candidates: [String]) -> String? {
    let word = word.lowercased()
    let whole = candidates.filter { word.count > 1 && $0.hasPrefix(word) }
    let distances = (whole.isEmpty ? candidates : whole).map {
        (candidate: $0, distance: editDistance(word, $0))
    }
    guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
    return !whole.isEmpty || best.distance <= max(1, best.candidate.count / 3) ? best.candidate : nil
}

/// Damerau–Levenshtein distance (optimal string alignment): insertions, deletions, substitutions, and swaps of
/// neighbours.
private func editDistance(_ first: String, _ second: String) -> Int {
    let (a, b) = (Array(first.prefix(100)), Array(second.prefix(100)))
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, beforeLast[j - 1] + 1) }
            row.append(least)
        }
        (beforeLast, last) = (last, row)
    }
    return last[b.count]
}
