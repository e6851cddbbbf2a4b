"""The sentences of an assessment in English and Chinese, by key."""

from __future__ import annotations

from collections.abc import Mapping

from salus.copd.interpretation import STEPS

OUTCOME_NAMES: Mapping[str, Mapping[str, str]] = {
    "en": {
        "y_llngl": "airflow obstruction: FEV1/FVC below the lower limit of normal, GLI Global 2022",
        "y_lln12": "the same by GLI-2012",
        "y_mod": "moderate or worse: FEV1/FVC below .70 and FEV1 below 80 % of predicted",
        "y_070": "FEV1/FVC below the fixed .70",
        "y_post070": "FEV1/FVC below .70 after a bronchodilator, which COPD asks for",
    },
    "zh": {
        "y_llngl": "气流阻塞：FEV1/FVC低于正常值下限（GLI Global 2022）",
        "y_lln12": "同上，按GLI-2012",
        "y_mod": "中度及以上：FEV1/FVC低于0.70且FEV1低于预计值的80 %",
        "y_070": "FEV1/FVC低于固定值0.70",
        "y_post070": "使用支气管舒张剂后FEV1/FVC低于0.70（慢阻肺的条件）",
    },
}

OUTCOMES_IN_SHORT: Mapping[str, tuple[str, str]] = {
    "y_llngl": ("below the lower limit by GLI Global 2022", "按GLI Global 2022低于下限"),
    "y_lln12": ("below the lower limit by GLI-2012", "按GLI-2012低于下限"),
    "y_mod": ("moderate or worse", "中度及以上"),
    "y_070": ("FEV1/FVC below .70", "FEV1/FVC低于0.70"),
}

REASONS: Mapping[str, tuple[str, str]] = {
    "age": ("age", "年龄"),
    "sex": ("sex at birth", "性别"),
    "height": ("height", "身高"),
    "body_mass_index": ("body mass index", "体质指数"),
    "waist": ("waist", "腰围"),
    "smoking": ("smoking", "吸烟"),
    "cough": ("cough", "咳嗽"),
    "phlegm": ("phlegm", "咳痰"),
    "cough_phlegm": ("cough or phlegm", "咳嗽或咳痰"),
    "wheeze": ("wheezing", "喘鸣"),
    "breathlessness": ("breathlessness", "气短"),
    "general_health": ("general health", "总体健康"),
    "asthma": ("asthma", "哮喘"),
    "diagnosis": ("earlier diagnosis of the lungs", "既往肺部诊断"),
    "education": ("education", "学历"),
    "income": ("income", "收入"),
    "diabetes": ("diabetes", "糖尿病"),
    "chest_pain": ("chest pain", "胸痛"),
    "work": ("dust and fumes at work", "工作中的粉尘和烟雾"),
    "peak_flow": ("peak flow", "呼气峰流速"),
    "not_known": ("what is not known", "未知的回答"),
}
"""Names of reasons; one that is not here is named by its items."""

WHY: Mapping[str, tuple[str, str]] = {
    "chest_pain": (
        "with the same breathlessness it speaks for the heart rather than the airways",
        "气短相同时，它更提示心脏而非气道的原因",
    ),
    "diabetes": (
        "it goes with a low FVC rather than with obstruction, at the same weight and smoking",
        "体重和吸烟相同时，它多伴随FVC偏低，而非阻塞",
    ),
    "education": (
        "as in the US survey, people alike in all other answers; elsewhere it may be otherwise",
        "依据美国调查中其他回答相同的人；其他地方可能不同",
    ),
    "income": (
        "as in the US survey, people alike in all other answers; elsewhere it may be otherwise",
        "依据美国调查中其他回答相同的人；其他地方可能不同",
    ),
}
"""What is said beside reasons that may point against what one expects: each is adjusted for all other answers."""

PATTERNS: Mapping[str, tuple[str, str]] = {
    "normal": ("within the limits of normal", "在正常范围内"),
    "obstructive": ("airflow obstruction", "气流阻塞"),
    "obstructive_low_fvc": ("airflow obstruction with a low FVC", "气流阻塞并FVC降低"),
    "low_fvc": ("low FVC without obstruction", "FVC降低但无阻塞"),
    "low_fev1": ("low FEV1 without obstruction", "FEV1降低但无阻塞"),
    "not_readable": ("its quality leaves open what it says", "质量不足，不能判读"),
}

SEVERITIES: Mapping[str, tuple[str, str]] = {
    "none": ("not reduced", "未降低"),
    "mild": ("mildly reduced", "轻度降低"),
    "moderate": ("moderately reduced", "中度降低"),
    "severe": ("severely reduced", "重度降低"),
}

STEPS_OF_SPIROMETRY: Mapping[str, str] = {
    STEPS[key]: words
    for key, words in {
        "unreadable": "重做肺功能检查：质量不足，不能判读",
        "pre": "使用支气管舒张剂后重做：舒张前的阻塞不能确认慢阻肺",
        "border": "另选一天重做：舒张后比值在0.60至0.80之间时结果可能改变",
        "post": "临床评估：舒张后阻塞仍存在",
        "reversible": "评估是否哮喘并随访：阻塞可逆，舒张后消失，因此不能确认慢阻肺",
        "gone": "另选一天重做并随访：舒张前的阻塞在舒张后消失，因此不能确认慢阻肺",
        "gone_low": "临床评估并测肺容积：舒张前的阻塞在舒张后消失，因此不能确认慢阻肺，但数值仍低",
        "low": "临床评估并测肺容积：数值低但无阻塞",
        "none": "肺功能检查无需进一步处理：未见阻塞",
    }.items()
}
"""Next steps in Chinese, by the English."""

READ_BECAUSE: Mapping[str, str] = {
    "the session after a bronchodilator decides": "以舒张后的检查为准",
    "there is no session after a bronchodilator": "没有舒张后的检查",
    "the session after a bronchodilator is of too low a quality": "舒张后的检查质量过低",
}

GROUPS_ZH: Mapping[str, str] = {
    "sex: female": "性别：女",
    "sex: male": "性别：男",
    "smoking: never": "从不吸烟",
    "smoking: former": "以前吸烟",
    "smoking: current": "现在吸烟",
    "asthma ever: yes": "曾有哮喘",
    "asthma ever: no": "无哮喘",
    "no diagnosis of bronchitis or emphysema: true": "无支气管炎或肺气肿诊断",
    "no diagnosis of bronchitis or emphysema: false": "有支气管炎或肺气肿诊断",
}
"""Names of the audit's groups; age bands are made from their numbers."""

EQUATION_GROUPS_ZH: Mapping[str, str] = {
    "caucasian": "白人",
    "african_american": "非裔美国人",
    "north_east_asian": "东北亚人",
    "south_east_asian": "东南亚人",
    "mexican_american": "墨西哥裔美国人",
    "other": "其他或混合",
}

BRIEF: Mapping[str, tuple[str, str]] = {
    "smk_years": ("{v}", "{v}"),
    "smk_cpd": ("{v}", "{v}"),
    "quit_years": ("ended {v} ago", "已戒 {v}"),
    "wheeze_attacks": ("{v}", "发作 {v}"),
    "wheeze_exercise": ("with exercise: {v}", "运动时：{v}"),
    "wheeze_rx": ("medicine: {v}", "用药：{v}"),
    "occ_mineral_dust_yrs": ("mineral dust {v}", "矿物粉尘 {v}"),
    "occ_organic_dust_yrs": ("organic dust {v}", "有机粉尘 {v}"),
    "occ_exhaust_yrs": ("exhaust {v}", "尾气 {v}"),
    "occ_other_fumes_yrs": ("other fumes {v}", "其他烟雾 {v}"),
    "asthma_now": ("now: {v}", "现在：{v}"),
    "emphysema_ever": ("emphysema: {v}", "肺气肿：{v}"),
    "chronic_bronchitis_ever": ("chronic bronchitis: {v}", "慢性支气管炎：{v}"),
    "chronic_bronchitis_now": ("chronic bronchitis now: {v}", "现有慢性支气管炎：{v}"),
}
"""How an answer is said in the line of its reason; as it is where there is nothing here."""

TEXT: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "COPD case-finding",
        "headline": "Of {base} people with these answers, {about} {have} airflow obstruction.",
        "about": "about {n}",
        "under": "fewer than {n}",
        "over": "more than {n}",
        "have.one": "has",
        "have": "have",
        "interval": "The survey behind the model allows {low} to {high} (95 % confidence).",
        "tier.A": "From the questionnaire.",
        "tier.B": "From the questionnaire and the peak flow. The model knows peak flows of a laboratory's spirometer, "
        "from the same blow as the outcome: a home meter says less, and one that reads low makes the probability too "
        "high.",
        "tier.C": "From spirometry, read by rule.",
        "what": "Airflow obstruction here: FEV1/FVC below the lower limit of normal (GLI Global 2022), without a "
        "bronchodilator. Asthma shows it too.",
        "outcomes": "Of {base} such people",
        "range": "{n} ({low} to {high})",
        "disagree": "The two sets of reference equations disagree here: {one} by GLI Global 2022, {other} by GLI-2012.",
        "reasons": "Reasons",
        "reasons.what": "Each share adds to the log-odds beside the average person of the survey: +0.7 doubles the "
        "odds, -0.7 halves them. A share is an association, not a cause.",
        "reasons.rest": "all others together",
        "not answered": "not answered; taken from the other answers",
        "not known": "drawn towards even odds for the answers that are missing",
        "because": "{said} ({why})",
        "missing": "What missing answers would change",
        "missing.none": "All questions are answered.",
        "missing.row": "{low} (at {at_low}) to {high} (at {at_high}) of {base}",
        "next": "Next step",
        "step.spirometry": "Spirometry before and after a bronchodilator confirms or rules out obstruction. Of {base} "
        "such people about {before} are below the lower limit before the bronchodilator, and about {after} below .70 "
        "after it, which is what COPD asks for. Where to draw the line is for the service to decide.",
        "step.asymptomatic": "No symptom is reported. The US Preventive Services Task Force recommends against "
        "screening adults without symptoms (2022). If there is another reason to look, spirometry confirms or "
        "rules out.",
        "step.diagnosed": "A chronic lung disease was diagnosed before: this is no case-finding any more. Ask whether "
        "spirometry ever confirmed it; if not, do it before and after a bronchodilator.",
        "flags": "Mind",
        "flag.under_40": "The person is under 40: the model has learned from nobody so young.",
        "flag.over_79": "The person is over 79: the model has learned from nobody so old.",
        "flag.no_age": "The age is not known: the probability is that of people of all ages from 40 to 79.",
        "flag.asymptomatic": "No symptom is reported: this is for people with symptoms or exposure, not for screening.",
        "flag.diagnosed": "A chronic lung disease was diagnosed before.",
        "flag.outside": "Outside the model's data: {list}.",
        "flag.outside.one": "{item} {value} (data from {low} to {high})",
        "flag.subgroup": "Where it was tested, the model was off by over a fifth for this person's group: {list}.",
        "flag.subgroup.one": "{group} ({n} found for 100 expected)",
        "flag.subgroup.other": "{group} ({outcome}: {n} found for 100 expected)",
        "flag.subgroup.several": "{group} ({low} to {high} found for 100 expected, by definition)",
        "flag.untold": "Ethnicity is asked of nobody. Where it was recorded, the model was off by over a fifth for "
        "{list}.",
        "flag.subgroup.unknown": "How well the model fits groups of people was not tested.",
        "group.age": "age {band}",
        "instruments": "Published questionnaires",
        "instrument.reached": "at or above the cut-off {cut}",
        "instrument.below": "below the cut-off {cut}",
        "instrument.row": "{points} of {most} points: {said}",
        "spirometry": "Spirometry",
        "spirometry.below": "FEV1/FVC is {ratio}, below the lower limit of normal of {lln}: airflow obstruction.",
        "spirometry.above": "FEV1/FVC is {ratio}, not below the lower limit of normal of {lln}: no airflow "
        "obstruction.",
        "spirometry.open": "FEV1/FVC is {ratio}; the quality of the blows leaves open whether that is below the lower "
        "limit of normal of {lln}.",
        "spirometry.other": "By {equation} ({group}) the ratio is {side} the lower limit ({lln}).",
        "below": "below",
        "not below": "not below",
        "fixed.below": "Below the fixed .70 as well.",
        "fixed.above": "Not below the fixed .70 either.",
        "fixed.only": "Below the fixed .70, though: the two rules disagree in this person.",
        "fixed.not": "Not below the fixed .70, though: the two rules disagree in this person.",
        "equation": "reference",
        "group": "group",
        "predicted": "predicted",
        "lln": "lower limit",
        "z": "z-score",
        "percent": "{n} % of predicted",
        "pattern": "Pattern: {pattern}. FEV1 {severity}.",
        "gold": "GOLD grade {grade} by FEV1 in percent of predicted.",
        "spirometry.reversed": "FEV1/FVC after the bronchodilator is {ratio}, not below the lower limit of normal of "
        "{lln}: the obstruction seen before is gone.",
        "before": "Before the bronchodilator FEV1/FVC was {ratio} (lower limit {lln}, z-score {z}): {rule}.",
        "before.lln": "airflow obstruction",
        "before.070": "below the fixed .70 alone",
        "permits.caution": "Read with caution: blows of grade D differ by too much to be sure of. Repeat the "
        "spirometry before much is made of it.",
        "permits.at_least": "Of grade E or U, what was blown is reached at least; the true value may be higher.",
        "gold.none": "No GOLD grade: it needs a session after a bronchodilator and a ratio below .70.",
        "response": "After the bronchodilator FEV1 changed by {fev1} and FVC by {fvc} of predicted: {said}.",
        "response.yes": "a response",
        "response.no": "no response",
        "read": "Read: {which}; {because}.",
        "post": "the session after a bronchodilator",
        "pre": "the session before a bronchodilator",
        "notes": "Look again",
        "foot": "Case-finding, not screening, and no diagnosis: people decide. INSIDE ONLY: this is about a person.",
        "model": "Model: {model}.",
        "equations": "Reference: {model}.",
        "local": "version {version}, calibrated on {people} people of {where}",
        "not local": "version {version}, not calibrated on local data",
        "ask.empty": "Empty: not known. ? : what is meant. < : back to the last question.",
        "ask.choose": "Choose a number",
        "ask.count": "{unit}",
        "ask.number": "in {unit}; another unit may be written behind the number",
        "ask.wrong": "Not understood. Write one of: {wanted}.",
        "ask.bounds": "a number from {low} to {high} {unit}",
        "ask.progress": "Question {n} of about {of}",
        "ask.confirm": "Is it right all the same? (y: yes, anything else: answer again)",
        "ask.again": "These answers can't be scored:",
    },
    "zh": {
        "title": "慢阻肺病例发现",
        "headline": "每 {base} 个回答相同的人中，{about}人有气流阻塞。",
        "about": "约 {n} ",
        "under": "不到 {n} ",
        "over": "超过 {n} ",
        "have.one": "",
        "have": "",
        "interval": "模型所依据的调查允许 {low} 至 {high}（95 % 置信）。",
        "tier.A": "依据问卷。",
        "tier.B": "依据问卷和呼气峰流速。模型所用的峰流速来自实验室肺量计，"
        "且与结局同一次吹气：家用峰流速仪的信息更少，读数偏低时概率会偏高。",
        "tier.C": "依据肺功能检查，按规则判读。",
        "what": "这里的气流阻塞指：未用支气管舒张剂时FEV1/FVC低于正常值下限（GLI Global 2022）。哮喘也会如此。",
        "outcomes": "每 {base} 个这样的人",
        "range": "{n}（{low} 至 {high}）",
        "disagree": "两套参考方程在此不一致：按GLI Global 2022为 {one}，按GLI-2012为 {other}。",
        "reasons": "理由",
        "reasons.what": "每项与调查中的平均人相比，加到对数几率上：+0.7使几率加倍，"
        "-0.7使几率减半。这是关联，不是因果。",
        "reasons.rest": "其余各项合计",
        "not answered": "未回答；由其他回答推断",
        "not known": "因回答缺失而向对等几率靠近",
        "because": "{said}（{why}）",
        "missing": "缺失的回答会带来的变化",
        "missing.none": "所有问题都已回答。",
        "missing.row": "每 {base} 人 {low}（{at_low}）至 {high}（{at_high}）",
        "next": "下一步",
        "step.spirometry": "在使用支气管舒张剂前后做肺功能检查，以确认或排除阻塞。每 {base} 个这样的人，舒张前约 "
        "{before} 人低于下限，舒张后约 {after} 人低于0.70，后者才符合慢阻肺的条件。界线由服务机构决定。",
        "step.asymptomatic": "未报告症状。美国预防服务工作组建议不要对无症状成人筛查（2022年）。"
        "如另有理由，可做肺功能检查确认或排除。",
        "step.diagnosed": "以前已诊断慢性肺病：这不再是病例发现。"
        "请核实是否做过肺功能检查确认；如没有，请在舒张剂前后各做一次。",
        "flags": "注意",
        "flag.under_40": "未满40岁：模型没有这么年轻的人的数据。",
        "flag.over_79": "超过79岁：模型没有这么年长的人的数据。",
        "flag.no_age": "年龄未知：概率是40至79岁所有年龄的人的概率。",
        "flag.asymptomatic": "未报告症状：本工具用于有症状或有接触史的人，不用于筛查。",
        "flag.diagnosed": "以前已诊断慢性肺病。",
        "flag.outside": "超出模型的数据范围：{list}。",
        "flag.outside.one": "{item} {value}（数据为 {low} 至 {high}）",
        "flag.subgroup": "检验时，模型对此人所属人群的偏差超过五分之一：{list}。",
        "flag.subgroup.one": "{group}（预计 100 例，实有 {n} 例）",
        "flag.subgroup.other": "{group}（{outcome}：预计 100 例，实有 {n} 例）",
        "flag.subgroup.several": "{group}（预计 100 例，按不同定义实有 {low} 至 {high} 例）",
        "flag.untold": "不询问族裔。在有记录的调查中，模型对以下人群的偏差超过五分之一：{list}。",
        "flag.subgroup.unknown": "模型对各人群是否适合尚未检验。",
        "group.age": "{band}岁",
        "instruments": "已发表的问卷",
        "instrument.reached": "达到界值 {cut}",
        "instrument.below": "低于界值 {cut}",
        "instrument.row": "{points} 分（满分 {most}）：{said}",
        "spirometry": "肺功能检查",
        "spirometry.below": "FEV1/FVC为 {ratio}，低于正常值下限 {lln}：有气流阻塞。",
        "spirometry.above": "FEV1/FVC为 {ratio}，不低于正常值下限 {lln}：无气流阻塞。",
        "spirometry.open": "FEV1/FVC为 {ratio}；吹气质量不足，不能判断是否低于正常值下限 {lln}。",
        "spirometry.other": "按{equation}（{group}）该比值{side}下限（{lln}）。",
        "below": "低于",
        "not below": "不低于",
        "fixed.below": "也低于固定值0.70。",
        "fixed.above": "也不低于固定值0.70。",
        "fixed.only": "但低于固定值0.70：两种规则对此人结论不同。",
        "fixed.not": "但不低于固定值0.70：两种规则对此人结论不同。",
        "equation": "参考方程",
        "group": "人群",
        "predicted": "预计值",
        "lln": "正常值下限",
        "z": "z值",
        "percent": "占预计值 {n} %",
        "pattern": "类型：{pattern}。FEV1{severity}。",
        "gold": "按FEV1占预计值百分比为GOLD {grade} 级。",
        "spirometry.reversed": "舒张后FEV1/FVC为 {ratio}，不低于正常值下限 {lln}：舒张前的阻塞已消失。",
        "before": "舒张前FEV1/FVC为 {ratio}（下限 {lln}，z值 {z}）：{rule}。",
        "before.lln": "有气流阻塞",
        "before.070": "仅低于固定值0.70",
        "permits.caution": "请谨慎判读：质量等级为D的吹气相差过大，不够可靠。作重要结论前请重做肺功能检查。",
        "permits.at_least": "质量等级为E或U时，吹出的值只是至少达到的值，真实值可能更高。",
        "gold.none": "无GOLD分级：需要舒张后的检查且比值低于0.70。",
        "response": "使用舒张剂后，FEV1变化 {fev1}，FVC变化 {fvc}（占预计值）：{said}。",
        "response.yes": "有反应",
        "response.no": "无反应",
        "read": "判读：{which}；{because}。",
        "post": "舒张后的检查",
        "pre": "舒张前的检查",
        "notes": "请再核对",
        "foot": "用于病例发现，不是筛查，也不是诊断：由人决定。仅限内部：这是个人信息。",
        "model": "模型：{model}。",
        "equations": "参考方程：{model}。",
        "local": "版本 {version}，已用{where}的 {people} 人校准",
        "not local": "版本 {version}，未用本地数据校准",
        "ask.empty": "直接回车：不知道。输入 ? 看说明，输入 < 回到上一题。",
        "ask.choose": "请选编号",
        "ask.count": "单位：{unit}",
        "ask.number": "单位 {unit}；可在数字后写其他单位",
        "ask.wrong": "未能识别。请填写：{wanted}。",
        "ask.bounds": "{low} 至 {high} {unit} 之间的数",
        "ask.progress": "第 {n} 题，共约 {of} 题",
        "ask.confirm": "确认无误吗？（y：是；其他：重新回答）",
        "ask.again": "以下回答不能评分：",
    },
}
