package escalation

import (
	"cmp"
	"context"
	"fmt"

	"github.com/mainstayhq/mainstay"
	"github.com/mainstayhq/mainstay/core/commit"
	"github.com/mainstayhq/mainstay/core/notify"
	"github.com/mainstayhq/mainstay/core/object"
)

// notices are the messages of a step: one to each person reached.
func (s *Service) notices(ctx context.Context, p *Page, t Taken) ([]commit.Notice, error) {
	data, err := s.data(ctx, p)
	if err != nil {
		return nil, err
	}
	data.Step, data.Repeat = t.Step, t.Repeat
	list := make([]commit.Notice, 0, len(t.Reached))
	for _, r := range t.Reached {
		data.Why, data.AckURL = r.Why, s.ackPath(p, r.Person, t.At)
		list = append(list, notify.Notice(commit.Notice{
			Key: p.noticeKey(t, r.Person, notify.TemplatePage), Project: p.Project, Subject: p.Ref(), Person: r.Person, Urgent: true, At: t.At,
		}, notify.TemplatePage, data))
	}
	return list, nil
}

// endNotices tell everybody who was paged that it is over.
func (s *Service) endNotices(ctx context.Context, p *Page) ([]commit.Notice, error) {
	data, err := s.data(ctx, p)
	if err != nil {
		return nil, err
	}
	data.Resolved, data.Reason = p.Ended, p.EndReason
	for i := range data.Alerts {
		if a := &data.Alerts[i]; a.EndsAt.IsZero() || a.EndsAt.After(p.Ended) {
			a.EndsAt = p.Ended
		}
		data.Alerts[i].Status = "resolved"
	}
	var list []commit.Notice
	for _, person := range p.People() {
		list = append(list, notify.Notice(commit.Notice{
			Key:     fmt.Sprintf("page:%s:end:%d:%s:%s", p.ID, p.Generation, person, notify.TemplatePageResolved),
			Project: p.Project, Subject: p.Ref(), Person: person, At: p.Ended,
		}, notify.TemplatePageResolved, data))
	}
	return list, nil
}

// data is what all messages about the page say.
func (s *Service) data(ctx context.Context, p *Page) (notify.PageData, error) {
	d := notify.PageData{
		Page: p.ID, Number: p.Key(), Title: p.Title, Severity: string(p.Severity), Since: p.Opened, Policy: p.Policy.Name,
		Receiver: p.Policy.Name, Summary: p.Reason, Service: p.Service, URL: object.URL(mainstay.KindPage, p.Key()),
	}
	var err error
	if d.Project, d.Service, err = s.called(ctx, p); err != nil {
		return d, err
	}
	alerts := p.alerts()
	if s.cfg.Alerts == nil || len(alerts) == 0 {
		return d, nil
	}
	if d.Alerts, err = s.cfg.Alerts.AlertsOf(ctx, alerts); err != nil {
		return d, fmt.Errorf("reading the alerts of a page: %w", err)
	}
	if len(d.Alerts) == 0 {
		return d, nil
	}
	if said := d.Alerts[0].Annotations["description"]; said != "" {
		d.Summary = said // what the sender says of it helps more than why the route chose it
	}
	for _, a := range d.Alerts {
		if !a.StartsAt.IsZero() && a.StartsAt.Before(d.Since) {
			d.Since = a.StartsAt
		}
		d.Runbook = cmp.Or(d.Runbook, a.Annotations["runbook_url"])
	}
	return d, nil
}

// alerts lists the ids of the alerts that the page is about.
func (p *Page) alerts() []string {
	var ids []string
	for _, s := range p.Subjects {
		if s.Ref.Kind == mainstay.KindAlert {
			ids = append(ids, s.Ref.ID)
		}
	}
	return ids
}

// called are the titles of the page's project and service. What is not known is called as the request did.
func (s *Service) called(ctx context.Context, p *Page) (project, service string, err error) {
	service = p.Service
	if s.cfg.Projects == nil || p.Project == mainstay.Installation {
		return "", service, nil
	}
	pr, err := s.cfg.Projects.Project(ctx, p.Project)
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return "", service, fmt.Errorf("looking up a page's project: %w", err)
	}
	if err == nil {
		project = pr.Title()
	}
	if service == "" {
		return project, service, nil
	}
	sv, err := s.cfg.Projects.Service(ctx, p.Project, service)
	if err != nil && !mainstay.Is(err, mainstay.NotFound) {
		return project, service, fmt.Errorf("looking up a page's service: %w", err)
	}
	if err == nil {
		service = sv.Title()
	}
	return project, service, nil
}
