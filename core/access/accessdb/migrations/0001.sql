CREATE TABLE access_grant (
	grantee_kind TEXT NOT NULL, -- person or team
	grantee      TEXT NOT NULL,
	role         TEXT NOT NULL,
	project      TEXT NOT NULL, -- '' = all
	PRIMARY KEY (grantee, role, project)
);

CREATE INDEX access_grant_role ON access_grant (role, project);
