/// All image rewards; a new one is a line here.
public enum ImageRewards {
    private static let statistics: [any ImageStatistic] = [
        Brightness(), GlobalContrast(), LocalContrast(), Saturation(), Colourfulness(),
    ]

    private static let learned: [ImageRewardEntry] = [
        AestheticReward.entry, CLIPSimilarity.clipScore, CLIPSimilarity.pickScore,
        CLIPSimilarity.humanPreference, MultiDimensionalPreferenceScore.entry,
    ]

    public static let all: [ImageRewardEntry] =
        statistics.flatMap { statistic in
            StatisticReward.Direction.allCases.map { StatisticReward(statistic, $0).entry }
        } + learned

    public static var names: [String] { all.map(\.name) }

    /// - Throws: `ImageRewardError.unknownName`.
    public static func entry(named name: String) throws -> ImageRewardEntry {
        guard let entry = all.first(where: { $0.name == name }) else {
            throw ImageRewardError.unknownName(name, known: names)
        }
        return entry
    }
}
