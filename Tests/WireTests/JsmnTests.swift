import Testing

@testable import Wire

@Test(
    "JSON is read strictly",
    arguments: [("{\"a\":[1,true]}", 5), ("{a:1}", nil), ("{\"a\":1", nil)]
)
func strict(text: String, tokens: Int?) {
    #expect(tokenCount(Array(text.utf8).span) == tokens)
}
