"""Words of the certificate's page, English and Chinese; both have the same keys and blanks."""

# ruff: noqa: E501 (a sentence stands on one line)

from __future__ import annotations

TEXT = {
    "en": {
        "title": "Certificate of release {release}",
        "simulated": "SIMULATED RECORDS. Nothing here is about real persons.",
        "other": "中文",
        "lede.suppression": "{shown} counts and {zeros} zeros are shown; {hidden} counts are left out, so that no count of 1 to {last} is shown or can be worked out from the others.",
        "lede.all": "{shown} counts and {zeros} zeros are shown, and nothing had to be left out: no count is of 1 to {last}.",
        "what": "What is stated, and who can check it",
        "what.note": "A statement that the release alone can show is recomputed by whoever has the release; the others say what is needed.",
        "claim": "statement",
        "value": "value",
        "needs": "to check it, one needs",
        "needs.release": "the release",
        "needs.places": "the table of places",
        "needs.definitions": "the case definitions",
        "needs.key and records": "the records and the department's key",
        "needs.nothing can": "nothing can show it",
        "not": "What is not promised",
        "files": "Files",
        "files.note": "SHA-256 of each. A byte changed anywhere, a file added or taken away makes the check fail.",
        "file": "file",
        "signed": "Signature and how to check it",
        "signed.key": "Signed with Ed25519 by the key with the fingerprint",
        "signed.compare": "Compare the fingerprint with the one that the department gives you by another way: a telephone call, its web site, a letter.",
        "signed.how": "Check everything on a machine of your own with Salus:",
        "signed.made": "Certified {when} (UTC) under the policy '{policy}', which is the file policy.toml.",
        "none": "none",
        "yes": "yes",
        "unbounded": "no upper end",
    },
    "zh": {
        "title": "发布 {release} 的证书",
        "simulated": "模拟记录。此处内容与任何真实个人无关。",
        "other": "English",
        "lede.suppression": "公布了{shown}个计数和{zeros}个零；隐去{hidden}个计数，使1至{last}之间的计数既不会被公布，也无法由其他数字推算出来。",
        "lede.all": "公布了{shown}个计数和{zeros}个零，无须隐去任何计数：没有1至{last}之间的计数。",
        "what": "声明的内容，以及由谁可以核对",
        "what.note": "凡是仅凭本次发布就能证明的声明，任何持有者都可以重新计算；其余的写明需要什么才能核对。",
        "claim": "声明",
        "value": "数值",
        "needs": "核对所需",
        "needs.release": "本次发布",
        "needs.places": "地区表",
        "needs.definitions": "病例定义",
        "needs.key and records": "原始记录和发布部门的密钥",
        "needs.nothing can": "无法证明",
        "not": "不作保证的内容",
        "files": "文件",
        "files.note": "各文件的SHA-256值。任何一处改动一个字节，增加或取走一个文件，核对都会失败。",
        "file": "文件",
        "signed": "签名与核对方法",
        "signed.key": "以Ed25519签名，签名密钥的指纹为",
        "signed.compare": "请通过其他途径（电话、官方网站、信函）向发布部门索取指纹并比对。",
        "signed.how": "在您自己的计算机上用Salus核对全部内容：",
        "signed.made": "认证时间{when}（世界协调时），所依据的政策“{policy}”见文件policy.toml。",
        "none": "无",
        "yes": "是",
        "unbounded": "无上限",
    },
}
"""Sentences by language and key."""

CLAIMS = {
    "en": {
        "counts_shown": "counts above zero that are shown",
        "zeros_shown": "zeros that are shown",
        "counts_left_out": "counts that are left out",
        "smallest_count_shown": "smallest count shown, apart from zero",
        "narrowest_interval": "width of the narrowest interval in which a reader can place a count left out, by adding and subtracting all that is shown (attack by linear programming)",
        "interval_around_value": "every count left out can lie, for such a reader, from half of its value to half as much again",
        "minimum_cell": "smallest count that the policy lets be shown",
        "inputs": "keyed commitment to the records that were counted",
        "definitions": "id of the case definitions",
        "places": "id of the table of places",
        "policy": "id of the policy",
        "days": "id of the days that were counted",
        "code_version": "version of Salus that made it",
    },
    "zh": {
        "counts_shown": "公布的大于零的计数个数",
        "zeros_shown": "公布的零的个数",
        "counts_left_out": "隐去的计数个数",
        "smallest_count_shown": "公布的最小计数（零除外）",
        "narrowest_interval": "读者通过加减所有公布数字能推断出隐去计数的最窄区间宽度（线性规划攻击）",
        "interval_around_value": "对这样的读者，每个隐去的计数都可能在其值的一半到一倍半之间",
        "minimum_cell": "政策允许公布的最小计数",
        "inputs": "对所计记录的带密钥承诺",
        "definitions": "病例定义的标识",
        "places": "地区表的标识",
        "policy": "政策的标识",
        "days": "所计日期的标识",
        "code_version": "生成所用的Salus版本",
    },
}
"""What a statement is called, by language."""

DIMENSIONS = {
    "en": {"age_group": "by age group: {claim}", "sex": "by sex: {claim}"},
    "zh": {"age_group": "按年龄组：{claim}", "sex": "按性别：{claim}"},
}
"""The same for one breakdown."""

NOT_CLAIMED = {
    "What a reader knows from elsewhere about single persons, beyond the counts shown.": "除公布的计数之外，读者从其他来源对个别人的了解。",
    "What a reader may guess from the rule by which counts were chosen to be left out.": "读者根据选取隐去计数的规则所作的猜测。",
    "Weeks are released anew with the records that came later: the difference of two releases is not guarded.": "各周会随后到的记录重新发布：两次发布之间的差值不受保护。",
}
"""Chinese of what is not promised."""
