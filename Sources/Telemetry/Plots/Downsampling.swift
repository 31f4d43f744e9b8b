/// Keeps the look of a long series: the lowest and the highest point of each of `buckets` stretches, and both
/// ends.
///
/// - Returns: at most 2 · buckets + 2 of the points, in their order; all of them when they are no more than
///   that.
package func downsampled(_ points: [SIMD2<Double>], buckets: Int) -> [SIMD2<Double>] {
    guard points.count > 2 * buckets + 2 else { return points }
    let inner = points.count - 2
    let extremes = (0..<buckets).flatMap { bucket -> [SIMD2<Double>] in
        let stretch = 1 + bucket * inner / buckets..<1 + (bucket + 1) * inner / buckets
        guard let lowest = stretch.min(by: { points[$0].y < points[$1].y }),
            let highest = stretch.max(by: { points[$0].y < points[$1].y })
        else { return [] }
        return lowest == highest
            ? [points[lowest]] : [points[min(lowest, highest)], points[max(lowest, highest)]]
    }
    return [points[0]] + extremes + [points[points.count - 1]]
}
