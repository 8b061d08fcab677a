package sim

import "time"

// Harbour is the shop, live for a month: its causes are young, and the night before today was a bad one.
func Harbour(zone *time.Location) World {
	return World{
		Name: "harbour", Zone: zone, Teller: "ines", Judges: []string{"ana", "tomasz", "samir"}, Team: []string{"samir", "ana", "tomasz"}, Launch: true,
		Rota: []Duty{{"samir", "ana", "primary"}, {"tomasz", "samir", "secondary"}},
		Jobs: []string{"nightly-backup"},
		Windows: []Routine{{
			Title: "Rebuilding the search index", Text: "Search may miss things that were added in the last hour.", Services: []string{"search"},
			Parts: []string{"finding"}, Every: 2, Day: time.Thursday, Hour: 5, Minutes: 60, By: "tomasz",
		}},
		Causes:   []Cause{cards(), lateMail(), slowSearch(), checkoutErrors(), stock(), slowPages(), restarts(), disk(), cache(), parcels(), images(), logins()},
		Scripted: []Scripted{{Before: 22 * time.Hour, Cause: 0, Grade: "sev-1"}, {Before: 6 * 24 * time.Hour, Cause: 1, Grade: "sev-3", Clock: 10}, {Before: 17 * 24 * time.Hour, Cause: 3, Grade: "sev-2", Clock: 14}, {Before: 24 * 24 * time.Hour, Cause: 4, Grade: "sev-3", Clock: 9}},
	}
}

// cards is the bad night: a version asked for something that production did not have.
func cards() Cause {
	return Cause{
		Alert: "CardFailureRatioHigh", Service: "checkout", Severity: Critical, Summary: "Card failure ratio above 5 %",
		Description: "{a} % of card payments fail; invoices go through.", A: [2]int{22, 22}, B: [2]int{11, 11}, Weekly: 0.05, Minutes: 12, Rhythm: Load,
		Follow: []Alert{{Name: "OrdersLow", Service: "web", Severity: Warning, Summary: "Orders per minute low", Description: "1.1 orders a minute, expected 3.1."}},
		Trouble: &Trouble{
			Title: "Card payments fail at checkout", Public: "Card payments are failing", Severity: []string{"sev-1"}, Minutes: 26,
			Services: []string{"checkout", "payments"}, Parts: []string{"orders=partial_outage", "cards=major_outage"}, Expert: "tomasz",
			Looking:  []string{"Some card payments are failing at the checkout. Paying by invoice works, and your basket is kept. We are looking into it."},
			Found:    []string{"We have found the cause: a change in how cards are confirmed. We are taking it back. Paying by invoice works."},
			Still:    []string{"We are still taking the change back, one machine after the other. Paying by invoice works."},
			Watching: []string{"Card payments work again since we took the change back. We are watching."},
			Over:     []string{"Card payments work as before. No order was lost; orders that failed were not charged. We are sorry for the trouble."},
			Notes: []string{
				"happened|Only cards with 3-D Secure fail; others pay. Northgate is green.",
				"decision|Roll back checkout to v2.13.2. Rerouting to invoices would reach {b} % of users only.",
				"action|Rolled back at 5 of 5 instances. Failure ratio 0.4 %.",
			},
			Why: []Why{
				{"cause", "technology", "Every card that needs 3-D Secure was refused", []Evidence{
					{"metric", "22 % of card payments failed, all of them with 3-D Secure", ""},
					{"interview", "Northgate: refused by rule, not by fault", "https://northgate.example/cases/81223"}}},
				{"cause", "technology", "The checkout asked for 3-D Secure without a return address", []Evidence{
					{"log", "return_url missing in 1,204 requests to Northgate", ""},
					{"change", "checkout v2.14.0, deployed by the night train", ""}}},
				{"cause", "process", "Version 2.14.0 reads the address from a setting that production lacks", []Evidence{
					{"change", "checkout v2.14.0, settings.go", "https://code.harbour.example/checkout/compare/v2.13.2...v2.14.0"},
					{"doc", "Settings of production, 24 of 25 set", ""}}},
				{"condition", "process", "Settings are copied to production by hand, and a missing one stops nothing", []Evidence{
					{"doc", "Release checklist, revision 12, does not name settings", ""}}},
			},
			Happened: "The night train deployed checkout v2.14.0. Within a minute the card failure ratio rose from 1 % to {a} %, and the person on call was paged. " +
				"Tomasz saw that only cards with 3-D Secure failed, so the payment provider was ruled out, and the version was taken back on all five instances.",
			Lessons: "- The alert was early: two minutes before the first customer wrote.\n- Rolling back was decided late; a rule for " +
				"\"our newest version is the first suspect\" would have saved most of the time.\n- Settings are part of a version. They belong into its test.",
			Fixes: []Fix{
				{"Refuse to start without the payment settings", "A checkout without one of them does not start, in a drill.", "tomasz", 6, true, 3},
				{"Alert on card failures by kind of card", "It fires when the test shop refuses one kind of card.", "ana", 9, false, 0},
			},
		},
	}
}

func lateMail() Cause {
	return Cause{
		Alert: "MailQueueGrows", Service: "mail", Severity: Warning, Summary: "Order mails wait longer than 10 minutes",
		Description: "{a} mails wait; Postlane answers slowly.", A: [2]int{140, 690}, B: [2]int{2, 4}, Weekly: 3.2, Rhythm: Load, Minutes: 38, Flaps: 0.2, Chance: 0.08,
		Trouble: &Trouble{
			Title: "Order mails come late|{a} order mails wait", Public: "Order mails come late", Severity: []string{"sev-3", "sev-3", "sev-4"}, Minutes: 50, Vendor: "postlane",
			Services: []string{"mail"}, Parts: []string{"confirmations=degraded_performance"}, Expert: "samir",
			Looking: []string{"Confirmations of orders arrive up to an hour late. The orders themselves are fine. We are looking into it.",
				"Mails about your orders are on their way later than usual. Nothing is lost, and every order counts."},
			Found:    []string{"Our mail provider takes fewer mails at a time than usual. We are sending the waiting ones by a second way."},
			Still:    []string{"The waiting mails are going out, the oldest first. About a third is still waiting."},
			Watching: []string{"Mails go out as fast as they come in again. We are watching."},
			Over:     []string{"All waiting confirmations have been sent. New ones arrive within a minute."},
			Notes: []string{"happened|{a} mails wait. Postlane takes one connection in {b}.", "decision|Do not send twice: orders in the shop show the state, mails can wait.",
				"action|Sent the waiting mails through the second gateway of Postlane."},
			Why: []Why{
				{"cause", "vendor", "Postlane limits us to a third of our connections when its own queue is long", []Evidence{
					{"log", "421 try again later, 3,880 times in an hour", ""}, {"interview", "Postlane: the limit is by contract", "https://postlane.example/t/5581"}}},
				{"condition", "process", "Nobody had compared the contract with the mails of a sales weekend", []Evidence{{"doc", "Contract of 2 May, section 4", ""}}},
			},
			Happened: "The queue of outgoing mails grew to {a} within half an hour. Samir sent them through the second gateway.",
			Lessons:  "- The second gateway was there and nobody had used it before.\n- The limit stands in the contract.",
			Fixes:    []Fix{{"Use both gateways at once", "With one gateway closed in a drill, no mail waits longer than a minute.", "samir", 12, true, 0}, {"Agree on a higher limit with Postlane", "The contract names it.", "ines", 30, false, 1}},
		},
	}
}

func slowSearch() Cause {
	return Cause{
		Alert: "SearchSlow", Service: "search", Severity: Warning, Summary: "Search p95 above 800 ms", Description: "p95 is {a} ms; half of the searches take longer than {b} ms.",
		A: [2]int{820, 2400}, B: [2]int{310, 800}, Weekly: 3.4, Rhythm: Load, Minutes: 16, Flaps: 0.35, Chance: 0.06, Instances: []string{"search-1", "search-2"},
		Trouble: &Trouble{
			Title: "Search answers slowly or not at all|One of two copies of the search stalls", Public: "Search is slow", Severity: []string{"sev-3", "sev-4"}, Minutes: 45, Services: []string{"search"},
			Parts: []string{"finding=degraded_performance"}, Expert: "tomasz",
			Looking:  []string{"Searching the shop takes several seconds. Browsing by category works as usual. We are looking into it."},
			Found:    []string{"One of the machines behind the search has the load of two. We are spreading it."},
			Still:    []string{"Search is still slower than it should be. Browsing by category works."},
			Watching: []string{"Search answers quickly again. We are watching."},
			Over:     []string{"Search is as fast as before."},
			Notes:    []string{"happened|Only the second copy answers; the first has been collecting garbage for minutes.", "action|Restarted the first copy with a larger heap."},
			Why: []Why{
				{"cause", "technology", "The index no longer fits into the memory of one copy", []Evidence{{"metric", "Heap at 97 % since Tuesday", ""}, {"log", "Collections of 4 to 9 seconds", ""}}},
				{"condition", "monitoring", "Growth of the index is not watched", []Evidence{{"doc", "Dashboards of search: no panel for size", ""}}},
			},
			Happened: "Search p95 rose to {a} ms as one of two copies stalled.", Lessons: "- The index had grown by a third since the launch, and nobody was told.",
			Fixes: []Fix{{"Warn when the index is above 70 % of the memory", "It fires on the staging copy.", "tomasz", 8, true, 1}},
		},
	}
}

func checkoutErrors() Cause {
	return Cause{
		Alert: "CheckoutErrors", Service: "checkout", Severity: Critical, Summary: "Checkout answers with errors", Description: "{a} % of the requests to the checkout fail.",
		A: [2]int{3, 14}, B: [2]int{2, 9}, Weekly: 1.3, Rhythm: Deploys, Minutes: 11, Flaps: 0.15, Chance: 0.3, Instances: []string{"checkout-1", "checkout-2", "checkout-3"},
		Trouble: &Trouble{
			Title: "Orders fail after a deploy of the checkout", Public: "Some orders cannot be placed", Severity: []string{"sev-2", "sev-3"}, Minutes: 24, Services: []string{"checkout"},
			Parts: []string{"orders=partial_outage"}, Expert: "tomasz",
			Looking:  []string{"About one order in ten ends with an error message. Trying again often works; you are not charged twice. We are looking into it."},
			Found:    []string{"The errors began with a change of ours. We are taking it back."},
			Still:    []string{"The change is being taken back. Trying again often works."},
			Watching: []string{"Orders go through again. We are watching."},
			Over:     []string{"Orders can be placed as before. No order was charged twice."},
			Notes: []string{"happened|Errors began 40 seconds after the deploy of v2.{b}.0, on all instances at once.", "decision|Take the version back first, look for the reason afterwards.",
				"action|v2.{b}.0 taken back. Errors are at 0.1 %."},
			Why: []Why{
				{"cause", "technology", "The new version expects a column that the migration adds only afterwards", []Evidence{{"log", "column does not exist, 2,210 times", ""}, {"change", "The deploy, step 3 and 4", ""}}},
				{"condition", "process", "Deploys run migrations after the start of the new version", []Evidence{{"doc", "Deploy train, revision 31", ""}}},
			},
			Happened: "A deploy of the checkout in the afternoon was followed by errors for {a} % of the orders. It was taken back.",
			Lessons:  "- Taking back before understanding was right.\n- The order of the steps had been wrong since the launch; until now no version had needed them in the right one.",
			Fixes:    []Fix{{"Run migrations before the new version starts", "A deploy with a migration that fails starts no new version.", "tomasz", 7, true, 1}, {"Send one request in a hundred to a new version first", "A version that fails on purpose is stopped by itself.", "tomasz", 25, false, 1}},
		},
	}
}

func stock() Cause {
	return Cause{
		Alert: "StockImportLate", Service: "web", Severity: Warning, Summary: "Stock is older than two hours", Description: "The last import was {a} minutes ago; {b} articles may be sold that are gone.",
		A: [2]int{121, 260}, B: [2]int{12, 140}, Weekly: 1.1, Rhythm: Night, Minutes: 55, Chance: 0.12,
		Trouble: &Trouble{
			Title: "The shop sells what is not in stock", Public: "Some articles are shown as available by mistake", Severity: []string{"sev-3"}, Minutes: 80, Services: []string{"web"},
			Parts: []string{"pages=degraded_performance"}, Expert: "ana",
			Looking:  []string{"Some articles are shown as available although they are sold out. We check every order by hand and tell you at once if yours is concerned."},
			Found:    []string{"The list of what is in stock was not taken over during the night. We are bringing it in now."},
			Still:    []string{"The list is being brought in. Orders are still checked by hand."},
			Watching: []string{"What the shop shows is what there is. We are watching."},
			Over:     []string{"The shop shows the right stock again. The 14 customers concerned have heard from us."},
			Notes:    []string{"happened|The import stopped at a line with a quotation mark in the name.", "action|Removed the line, ran the import by hand."},
			Why: []Why{
				{"cause", "data", "A name with an unpaired quotation mark ends the import", []Evidence{{"log", "line 20,114: unexpected end of field", ""}, {"timeline", "The article was added the evening before", ""}}},
				{"condition", "process", "One bad line stops all lines after it", []Evidence{{"doc", "The import's description says so", ""}}},
			},
			Happened: "The nightly import of the stock stopped halfway; the shop showed the stock of the day before.",
			Lessons:  "- One line in 31,000 must not stop the others.", Fixes: []Fix{{"Skip lines that cannot be read, and say how many", "An import with a bad line brings in all others.", "ana", 9, true, 1}},
		},
	}
}

// The rest only makes noise, as the rest does.
func slowPages() Cause {
	return Cause{Alert: "PagesSlow", Service: "web", Severity: Notice, Summary: "Pages take longer than 1.5 s", Description: "p95 of the product pages is {a} ms, with {b} visitors at once.",
		A: [2]int{1510, 3300}, B: [2]int{90, 620}, Weekly: 10, Rhythm: Load, Minutes: 9, Flaps: 0.25, Instances: []string{"web-1", "web-2", "web-3", "web-4"}}
}

func restarts() Cause {
	return Cause{Alert: "InstanceRestarted", Service: "checkout", Severity: Notice, Summary: "An instance was restarted", Description: "It ran for {a} hours and restarted {b} times since.",
		A: [2]int{2, 70}, B: [2]int{1, 3}, Weekly: 6, Rhythm: Deploys, Minutes: 5, Instances: []string{"checkout-1", "checkout-2", "checkout-3", "checkout-4", "checkout-5"}}
}

func disk() Cause {
	return Cause{Alert: "DiskFillsUp", Service: "search", Severity: Notice, Summary: "The disk is full in less than four days", Description: "{a} % used, growing by {b} GB a day.",
		A: [2]int{81, 92}, B: [2]int{2, 11}, Weekly: 4, Rhythm: Flat, Minutes: 140, Instances: []string{"search-1", "search-2"}}
}

func cache() Cause {
	return Cause{Alert: "CacheMisses", Service: "web", Severity: Notice, Summary: "The cache misses more than a third", Description: "{a} % of the lookups go to the database.",
		A: [2]int{34, 71}, B: [2]int{1, 2}, Weekly: 6, Rhythm: Load, Minutes: 14, Flaps: 0.3, Instances: []string{"web-1", "web-2", "web-3", "web-4"}}
}

func parcels() Cause {
	return Cause{Alert: "ParcelFeedStale", Service: "mail", Severity: Notice, Summary: "No news of parcels for an hour", Description: "The carrier's feed is {a} minutes old.",
		A: [2]int{61, 190}, B: [2]int{1, 2}, Weekly: 5, Rhythm: Night, Minutes: 60}
}

func images() Cause {
	return Cause{Alert: "ImageScalerBusy", Service: "web", Severity: Notice, Summary: "Images wait to be scaled", Description: "{a} images wait.",
		A: [2]int{200, 4000}, B: [2]int{1, 2}, Weekly: 5, Rhythm: Mondays, Minutes: 25, Instances: []string{"scaler-1", "scaler-2"}}
}

func logins() Cause {
	return Cause{Alert: "SignInFailures", Service: "web", Severity: Warning, Summary: "Many failed sign-ins", Description: "{a} failed sign-ins a minute from {b} addresses.",
		A: [2]int{60, 900}, B: [2]int{3, 240}, Weekly: 2.2, Rhythm: Flat, Minutes: 9, Flaps: 0.4}
}
